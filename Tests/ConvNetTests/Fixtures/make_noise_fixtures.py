"""Makes noise.json: dropout and noise by Keras's layers, with the random numbers that the network draws.

    python make_noise_fixtures.py      # needs what make_fixtures.py needs, whose conventions hold

TensorFlow's Philox4x32-10 gives the words of each sample at the counters (block, purpose, step, sample),
where the purpose is 3 | (place + 1) << 8: all first words of the blocks, then all second words and so on.
Keras's layers get numbers of these words where they would draw their own. `place` is that of the layer in
the network, after an identity.
"""

from make_fixtures import MADE_WITH, draw, keras, np, rounded, tensor, tf, write

MADE_WITH["script"] = "make_noise_fixtures.py"
RNG = np.random.default_rng(80)


def words(case, sample, blocks):
    purpose = 3 | (case["place"] + 1) << 8
    drawn = tf.raw_ops.StatelessRandomUniformFullIntV2(
        shape=[4 * blocks], key=tf.constant([case["seed"]], tf.uint64),
        counter=tf.constant([purpose << 32, sample << 32 | case["step"]], tf.uint64), alg=1, dtype=tf.uint32,
    )
    return drawn.numpy().reshape(blocks, 4).T.ravel()


def uniform(case, sample, count):
    """16 bits for each of some things; those below the rate are dropped."""
    halves = words(case, sample, (count + 7) // 8).astype("<u4").view("<u2")
    return halves[:count] / 65536


def normal(case, sample, count):
    """A pair of numbers from a pair of words (Box and Muller 1958)."""
    blocks = (count + 3) // 4
    numbers = []
    for lengths, angles in words(case, sample, blocks).reshape(2, 2, blocks):
        u = (lengths >> 8).astype(np.float32) * np.float32(2**-24) + np.float32(2**-25)
        radius = np.sqrt(-2 * np.log(u.astype(np.float64)))
        angle = (angles >> 8) * 2.0**-24 * 2 * np.pi
        numbers += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.concatenate(numbers)[:count]


def given(case, numbers):
    """Makes Keras's layers take the numbers of `uniform` or `normal` for their own."""

    def drawn(shape, dtype):
        samples, count = int(shape[0]), int(np.prod(shape[1:]))
        values = [numbers(case, sample, count) for sample in range(samples)]
        return tf.reshape(tf.constant(np.stack(values), dtype), shape)

    tf.nn.experimental.stateless_dropout = lambda x, rate, seed, noise_shape: (
        tf.nn.experimental.general_dropout(x, rate, drawn, noise_shape)
    )
    tf.random.stateless_normal = lambda shape, mean, stddev, dtype, seed: (
        mean + stddev * drawn(shape, dtype)
    )


def case(name, layer, make, numbers, shape, seed, step):
    made = {"seed": seed, "place": len(shape) // 2, "step": step}
    given(made, numbers)
    x, g = draw(RNG, *shape), draw(RNG, *shape)
    tx = tf.constant(x, tf.float64)
    with tf.GradientTape() as tape:
        tape.watch(tx)
        y = make(dtype="float64")(tx, training=True)
    dx = tape.gradient(y, tx, output_gradients=tf.constant(g, tf.float64))
    return {
        "name": f"{layer['kind']}: {name}", "source": "keras", "layer": layer, **made,
        "input": tensor(x), "output": rounded(y), "gradient_output": tensor(g), "gradient_input": rounded(dx),
    }


def dropout(name, rate, shape, seed, step, kind="dropout"):
    L = keras.layers.SpatialDropout2D if kind == "spatial_dropout" else keras.layers.Dropout
    # The rate that is kept to is a multiple of 1/65536.
    kept = round(rate * 65536) / 65536
    return case(
        name, {"kind": kind, "rate": rate}, lambda **more: L(kept, **more), uniform, shape, seed, step
    )


def gaussian(name, stddev, shape, seed, step):
    return case(
        name, {"kind": "gaussian_noise", "stddev": stddev},
        lambda **more: keras.layers.GaussianNoise(stddev, **more), normal, shape, seed, step,
    )


if __name__ == "__main__":
    write(
        "noise.json",
        {
            "cases": [
                dropout("vectors in two tiles", 0.25, (11, 21), 3, 1),
                dropout("images", 0.5, (3, 4, 3, 5), 2**40 + 7, 300),
                dropout("a rate that is rounded", 0.1, (2, 3, 4, 9), 5, 2),
                dropout("19 channels in two tiles", 0.3, (9, 2, 1, 19), 4, 3, "spatial_dropout"),
                dropout("8 channels", 0.5, (2, 3, 2, 8), 2**33, 70000, "spatial_dropout"),
                gaussian("vectors in two tiles", 0.5, (10, 23), 3, 1),
                gaussian("images", 0.1, (2, 4, 3, 5), 2**35 + 1, 9),
            ]
        },
    )
