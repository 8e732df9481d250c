"""Makes the fixtures of normalisation, of mixed labels and of what holds kernels in bounds.

    python make_regularization_fixtures.py            # needs torch, tensorflow, keras, numpy

The conventions are those of make_fixtures.py. Results are computed in float64 and rounded to float32.
"""

import sys

from make_fixtures import MADE_WITH, F, draw, keras, np, set_precision, tensor, tf, torch, write

MADE_WITH["script"] = "make_regularization_fixtures.py"
STEPS = 50


def normalization():
    """Fitted on the images and applied to them. Numbers that never vary are among the first's."""
    set_precision("float64")
    rng = np.random.default_rng(80)
    images = draw(rng, 30, 3, 2, 2, scale=0.25) + np.float32(0.5)
    images[:, 1, 1, 0] = np.float32(0.25)
    exact = images.astype(np.float64)
    cases = []
    for name, axis in (("per_channel", -1), ("per_pixel", (1, 2, 3))):
        layer = keras.layers.Normalization(axis=axis)
        layer.adapt(exact)
        cases.append(
            {"name": name, "source": "keras Normalization", "images": tensor(images),
             "result": tensor(np.array(layer(exact)))}
        )
    # Keras's ImageDataGenerator takes 1/(s/sqrt(n) + eps/sqrt(n)) of singular values s of images that
    # it has moved by each channel's mean; with eps 0 and images whose every pixel has mean 0 that is
    # U L^(-1/2) U^T. Others add their epsilon to L.
    whole = draw(rng, 40, 3, 2, 2, scale=0.25)
    for name, epsilon in (("zca, as Keras has it", 1e-12), ("zca", 0.01), ("zca, strong", 0.1)):
        flat = whole.astype(np.float64).reshape(40, -1)
        mean = flat.mean(0)
        values, vectors = np.linalg.eigh((flat - mean).T @ (flat - mean) / 40)
        matrix = vectors @ np.diag((values + epsilon) ** -0.5) @ vectors.T
        result = ((flat - mean) @ matrix).reshape(whole.shape)
        if epsilon == 1e-12:
            centred = (flat - mean).reshape(whole.shape)
            generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
                featurewise_center=True, zca_whitening=True, zca_epsilon=0.0, dtype="float64"
            )
            generator.fit(centred)
            theirs = np.array([generator.standardize(image.copy()) for image in centred])
            assert np.abs(theirs - result).max() < 1e-6, np.abs(theirs - result).max()
            result = theirs
        cases.append(
            {"name": name, "source": "numpy" if epsilon > 1e-6 else "keras ImageDataGenerator",
             "epsilon": epsilon, "images": tensor(whole), "result": tensor(result)}
        )
    write("normalization.json", {"cases": cases})


def mixed_labels():
    """Cross-entropy with the two classes' parts as its target, as torchvision's MixUp gives them."""
    rng = np.random.default_rng(81)
    scores = draw(rng, 6, 5, scale=2)
    first, second = rng.integers(0, 5, 6), rng.integers(0, 5, 6)
    cases = []
    for share in (0.75, 0.3):
        for smoothing in (0.0, 0.1):
            z = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
            exact = float(np.float32(share))
            target = exact * F.one_hot(torch.tensor(first), 5) + (1 - exact) * F.one_hot(
                torch.tensor(second), 5
            )
            each = F.cross_entropy(z, target, reduction="none", label_smoothing=smoothing)
            each.mean().backward()
            cases.append(
                {"name": f"share {share}, smoothing {smoothing}", "source": "torch", "share": share,
                 "label_smoothing": smoothing, "scores": tensor(scores),
                 "first": [int(v) for v in first], "second": [int(v) for v in second],
                 "losses": [float(v) for v in each.detach()], "gradient": tensor(z.grad)}
            )
    write("mixed_labels.json", {"cases": cases})


def regularization():
    """conv2d 3x3 to 4 tanh, dense 5 tanh, dense 3; fifty steps of SGD over batches of 4, in Keras."""
    set_precision("float64")
    keras.config.set_epsilon(1e-30)  # MaxNorm adds it to every norm.
    rng = np.random.default_rng(82)
    images = draw(rng, 12, 5, 5, 2)
    labels = rng.integers(0, 3, 12)
    initial = {
        "conv2d_0/kernel": draw(rng, 3, 3, 2, 4, scale=0.4), "conv2d_0/bias": draw(rng, 4, scale=0.1),
        "dense_2/kernel": draw(rng, 36, 5, scale=0.3), "dense_2/bias": draw(rng, 5, scale=0.1),
        "dense_3/kernel": draw(rng, 5, 3, scale=0.7), "dense_3/bias": draw(rng, 3, scale=0.1),
    }

    class Penalty(keras.regularizers.Regularizer):
        """l1, and ‖WᵀW − I‖² of the kernel as a matrix of columns."""

        def __init__(self, l1, orthogonal):
            self.l1 = keras.regularizers.L1(l1)
            self.orthogonal = orthogonal

        def __call__(self, w):
            matrix = tf.reshape(w, (-1, w.shape[-1]))
            gram = tf.transpose(matrix) @ matrix - tf.eye(w.shape[-1], dtype=tf.float64)
            return self.l1(w) + self.orthogonal * tf.reduce_sum(gram * gram)

    table = [
        ("l1", 0.01, 0.0, None, 0.0), ("orthogonal", 0.0, 0.01, None, 0.0),
        ("max_norm", 0.0, 0.0, 0.75, 0.9), ("all", 0.004, 0.003, 0.8, 0.9),
    ]
    cases = []
    for name, l1, orthogonal, max_norm, momentum in table:
        L, C = keras.layers, keras.constraints

        def kernel(axis):
            return {
                "kernel_regularizer": Penalty(l1, orthogonal),
                "kernel_constraint": None if max_norm is None else C.MaxNorm(max_norm, axis=axis),
            }

        layers = [
            L.Conv2D(4, 3, activation="tanh", **kernel([0, 1, 2])),
            L.Dense(5, activation="tanh", **kernel(0)), L.Dense(3, **kernel(0)),
        ]
        model = keras.Sequential(
            [keras.Input(images.shape[1:]), layers[0], L.Flatten(), *layers[1:]]
        )
        variables = [v for layer in layers for v in (layer.kernel, layer.bias)]
        for variable, value in zip(variables, initial.values()):
            variable.assign(value.astype(np.float64))
        rule = keras.optimizers.SGD(0.1, momentum=momentum)
        rule.build(variables)
        objective = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        losses = []
        for step in range(STEPS):
            batch = [(5 * step + i) % 12 for i in range(4)]
            with tf.GradientTape() as tape:
                entropy = objective(
                    tf.constant(labels[batch]), model(tf.constant(images[batch], tf.float64))
                )
                total = entropy + sum(model.losses)
            rule.apply(tape.gradient(total, [v.value for v in variables]), variables)
            losses.append(float(entropy))
        cases.append(
            {"name": name, "source": "keras", "learning_rate": 0.1, "momentum": momentum, "l1": l1,
             "orthogonal": orthogonal, **({} if max_norm is None else {"max_norm": max_norm}),
             "losses": losses,
             "final": {n: tensor(v.numpy()) for n, v in zip(initial, variables)}}
        )
    write(
        "regularization.json",
        {"images": tensor(images), "labels": [int(v) for v in labels],
         "initial": {k: tensor(v) for k, v in initial.items()}, "cases": cases},
    )


if __name__ == "__main__":
    for maker in [normalization, mixed_labels, regularization]:
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()
