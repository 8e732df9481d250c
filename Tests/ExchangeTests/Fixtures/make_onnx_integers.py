"""ONNX's own node tests of the operators of quantised networks, as one model:

    python make_onnx_integers.py    # with onnx 1.22.0

onnx_integers.onnx has a node for each test, called as that, whose inputs are initializers and whose output is
compared with the initializer `NAME/expected`. onnx_integers.json names those that are left out, and why.
"""

import json
import os

import onnx
from onnx import TensorProto, helper

OPERATORS = {"QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
READ = {
    TensorProto.FLOAT, TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16,
    TensorProto.INT32, TensorProto.INT64,
}


def load(path, name):
    tensor = TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    tensor.name = name
    return tensor


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    data = os.path.join(os.path.dirname(onnx.__file__), "backend/test/data/node")
    nodes, initializers, left_out = [], [], {}
    for name in sorted(os.listdir(data)):
        model = onnx.load(f"{data}/{name}/model.onnx")
        if len(model.graph.node) != 1 or model.graph.node[0].op_type not in OPERATORS:
            continue
        node = model.graph.node[0]
        given = {}
        for i, port in enumerate(model.graph.input):
            given[port.name] = load(f"{data}/{name}/test_data_set_0/input_{i}.pb", f"{name}/{port.name}")
        expected = load(f"{data}/{name}/test_data_set_0/output_0.pb", f"{name}/expected")
        types = {TensorProto.DataType.Name(t.data_type) for t in [*given.values(), expected] if t.data_type not in READ}
        if types:
            left_out[name] = f"of {', '.join(sorted(types))}, which are not read"
            continue
        inputs = [given[i].name if i else "" for i in node.input]
        nodes.append(helper.make_node(node.op_type, inputs, [f"{name}/output"], name=name))
        nodes[-1].attribute.extend(node.attribute)
        initializers += [*given.values(), expected]
    image = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 1, 1, 1])
    graph = helper.make_graph(nodes, "node tests", [image], [image], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, f"{here}/onnx_integers.onnx")
    with open(f"{here}/onnx_integers.json", "w") as file:
        json.dump({"onnx": onnx.__version__, "tests": [n.name for n in nodes], "left_out": left_out}, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
