"""Makes broadcast.json: products of tensors of which some have a size of 1, by Keras's Multiply.

    python make_broadcast_fixtures.py      # needs what make_fixtures.py needs, whose conventions hold
"""

import numpy as np
import tensorflow as tf

from make_fixtures import MADE_WITH, draw, keras, tensor, write

MADE_WITH["script"] = "make_broadcast_fixtures.py"
RNG = np.random.default_rng(71)


def case(name, activation, *shapes):
    inputs = [draw(RNG, 2, *shape) for shape in shapes]
    exact = [tf.constant(x, tf.float64) for x in inputs]
    with tf.GradientTape() as tape:
        for x in exact:
            tape.watch(x)
        y = keras.activations.get(activation)(keras.layers.Multiply(dtype="float64")(exact))
    g = draw(RNG, *y.shape)
    gradients = tape.gradient(y, exact, output_gradients=tf.constant(g, tf.float64))
    return {
        "name": name, "source": "keras Multiply", "activation": activation,
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
            ]
        },
    )
