"""Makes broadcast.json: tensors merged by Keras's Add, Concatenate, and Multiply, also where some have a size
of 1.

    python make_broadcast_fixtures.py      # needs what make_fixtures.py needs, whose conventions hold
"""

import numpy as np
import tensorflow as tf

from make_fixtures import MADE_WITH, draw, keras, tensor, write

MADE_WITH["script"] = "make_broadcast_fixtures.py"
RNG = np.random.default_rng(71)


MERGES = {
    "multiply": keras.layers.Multiply, "add": keras.layers.Add, "concat": keras.layers.Concatenate,
}


def case(name, activation, *shapes, merge="multiply"):
    inputs = [draw(RNG, 2, *shape) for shape in shapes]
    exact = [tf.constant(x, tf.float64) for x in inputs]
    with tf.GradientTape() as tape:
        for x in exact:
            tape.watch(x)
        y = keras.activations.get(activation)(MERGES[merge](dtype="float64")(exact))
    g = draw(RNG, *y.shape)
    gradients = tape.gradient(y, exact, output_gradients=tf.constant(g, tf.float64))
    return {
        "name": name, "source": f"keras {MERGES[merge].__name__}", "merge": merge, "activation": activation,
        "inputs": [tensor(x) for x in inputs], "output": tensor(y),
        "gradient_output": tensor(g), "gradient_inputs": [tensor(x) for x in gradients],
    }


if __name__ == "__main__":
    write(
        "broadcast.json",
        {
            "cases": [
                case("a weight for each channel", "linear", (4, 3, 19), (1, 1, 19)),
                case("a vector of weights, first", "sigmoid", (17,), (3, 4, 17)),
                case("a weight for each position", "tanh", (4, 3, 18), (4, 3, 1)),
                case("rows, columns and one number", "relu", (4, 1, 5), (1, 3, 5), (1, 1, 1)),
                case("both, of two maps", "linear", (3, 2, 6), (1, 1, 6), (3, 2, 6), (3, 1, 1)),
                case("vectors", "sigmoid", (7,), (1,), (7,)),
                case("a sum of two maps", "relu", (3, 4, 5), (3, 4, 5), merge="add"),
                case("a sum of three maps", "tanh", (2, 3, 17), (2, 3, 17), (2, 3, 17), merge="add"),
                case("a sum of vectors", "linear", (19,), (19,), merge="add"),
                case("channels of three maps", "sigmoid", (3, 2, 5), (3, 2, 1), (3, 2, 18), merge="concat"),
                case("channels of two maps", "linear", (2, 4, 3), (2, 4, 4), merge="concat"),
                case("vectors, end to end", "tanh", (7,), (3,), merge="concat"),
            ]
        },
    )
