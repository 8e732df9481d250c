"""Makes the fixtures of normalisation, of mixed images and labels and of what holds kernels in bounds.

    python make_regularization_fixtures.py    # needs torch, torchvision, tensorflow, keras, numpy,
                                              # scipy, scikit-learn

The conventions are those of make_fixtures.py. Results are computed in float64 and rounded to ten
digits. No library has the orthogonal penalty: its formula is written out here, and its gradients are
those of TensorFlow's and PyTorch's automatic differentiation.
"""

import sys
from unittest import mock

import scipy
import sklearn
import torchvision
from make_fixtures import (
    MADE_WITH, F, draw, keras, np, rounded, set_precision, tensor, tf, torch, write,
)
from sklearn.covariance import EmpiricalCovariance
from torchvision.transforms import v2

MADE_WITH["script"] = "make_regularization_fixtures.py"
MADE_WITH["torchvision"] = torchvision.__version__.split("+")[0]
MADE_WITH["scipy"] = scipy.__version__
MADE_WITH["scikit-learn"] = sklearn.__version__
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
             "result": rounded(layer(exact))}
        )
    # Keras's ImageDataGenerator takes 1/(s/sqrt(n) + eps/sqrt(n)) of singular values s of images that
    # it has moved by each channel's mean; with eps 0 and images whose every pixel has mean 0 that is
    # U L^(-1/2) U^T. Others add their epsilon to L: a power of C + eps I, by SciPy.
    whole = draw(rng, 40, 3, 2, 2, scale=0.25)
    flat = whole.astype(np.float64).reshape(40, -1)
    fitted = EmpiricalCovariance().fit(flat)
    centred = flat - fitted.location_
    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
        featurewise_center=True, zca_whitening=True, zca_epsilon=0.0, dtype="float64"
    )
    generator.fit(centred.reshape(whole.shape))
    result = [generator.standardize(image.copy()) for image in centred.reshape(whole.shape)]
    cases.append(
        {"name": "zca, as Keras has it", "source": "keras ImageDataGenerator", "epsilon": 1e-12,
         "images": tensor(whole), "result": rounded(result)}
    )
    for name, epsilon in (("zca", 0.01), ("zca, strong", 0.1)):
        bounded = fitted.covariance_ + float(np.float32(epsilon)) * np.eye(flat.shape[1])
        result = centred @ scipy.linalg.fractional_matrix_power(bounded, -0.5)
        cases.append(
            {"name": name, "source": "scikit-learn EmpiricalCovariance, scipy fractional_matrix_power",
             "epsilon": epsilon, "images": tensor(whole),
             "result": rounded(result.reshape(whole.shape))}
        )
    write("normalization.json", {"cases": cases})


def torchvision_mix(batch, share, centre=None):
    """torchvision's MixUp, or its CutMix around a centre, with a λ that would be drawn."""
    transform = (v2.MixUp if centre is None else v2.CutMix)(num_classes=1)
    labels = torch.zeros(len(batch), dtype=torch.long)
    # First the column, then the row.
    drawn = [torch.tensor([i]) for i in reversed(centre or ())]
    transform._dist = mock.Mock(sample=lambda _: torch.tensor([share], dtype=torch.float64))
    with mock.patch("torch.randint", side_effect=drawn):
        parameters = transform.make_params([batch])
    return parameters, transform.transform(
        batch, {**parameters, "labels": labels, "batch_size": len(batch)}
    )


def mixing():
    """Tiles of images of which each is mixed with the one before it, and rectangles of CutMix."""
    rng = np.random.default_rng(83)
    tiles, boxes = [], []
    for count, height, width, channels in ((8, 4, 5, 1), (5, 5, 4, 2), (2, 3, 8, 3)):
        images = (rng.integers(0, 64, (count, height, width, channels)) / 64).astype(np.float32)
        batch = torch.tensor(images, dtype=torch.float64).permute(0, 3, 1, 2)
        mixed = []
        for share, centre in (
            (0.9, None), (0.3, None), (0.5, (0, 0)), (0.125, (height // 2, width // 2)),
            (0.75, (height - 1, 1)), (0.0, (height // 2, width // 2)),
        ):
            share = np.float32(share)
            parameters, result = torchvision_mix(batch, float(share), centre)
            left, top, right, bottom = parameters.get("box", (0, 0, 0, 0))
            mixed.append(
                {
                    "name": "mixup" if centre is None else "cutmix", "share": share,
                    "rows": [top, bottom], "columns": [left, right],
                    "result": rounded(result.permute(0, 2, 3, 1)),
                }
            )
        tiles.append({"source": "torchvision", "images": tensor(images), "mixed": mixed})
    for height, width in ((28, 28), (32, 32), (9, 5), (1, 7)):
        batch = torch.zeros(2, 1, height, width)
        for share in (0.0, 0.1, 0.37, 0.5, 0.75, 0.96, 1.0):
            share = np.float32(share)
            for centre in ((0, 0), (height // 2, width // 3), (height - 1, width - 1)):
                parameters, _ = torchvision_mix(batch, float(share), centre)
                left, top, right, bottom = parameters["box"]
                boxes.append(
                    {
                        "source": "torchvision", "height": height, "width": width, "share": share,
                        "centre": list(centre), "rows": [top, bottom], "columns": [left, right],
                        "kept": parameters["lam_adjusted"],
                    }
                )
    write("mixing.json", {"tiles": tiles, "boxes": boxes})


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
                 "losses": [float(v) for v in each.detach()], "gradient": rounded(z.grad)}
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

    class Penalty(keras.regularizers.L1L2):
        """Keras's own, and ‖WᵀW − I‖² of the kernel as a matrix of columns."""

        def __init__(self, l1, l2, orthogonal):
            super().__init__(l1, l2)
            self.orthogonal = orthogonal

        def __call__(self, w):
            matrix = tf.reshape(w, (-1, w.shape[-1]))
            gram = tf.transpose(matrix) @ matrix - tf.eye(w.shape[-1], dtype=tf.float64)
            return super().__call__(w) + self.orthogonal * tf.reduce_sum(gram * gram)

    table = [
        ("l1", 0.01, 0.0, 0.0, None, 0.0), ("l2", 0.0, 0.01, 0.0, None, 0.0),
        ("l1 and l2", 0.005, 0.005, 0.0, None, 0.9), ("orthogonal", 0.0, 0.0, 0.01, None, 0.0),
        ("max_norm", 0.0, 0.0, 0.0, 0.75, 0.9), ("all", 0.004, 0.0, 0.003, 0.8, 0.9),
    ]
    cases = []
    for name, l1, l2, orthogonal, max_norm, momentum in table:
        L, C = keras.layers, keras.constraints

        def kernel(axis):
            return {
                "kernel_regularizer": Penalty(l1, l2, orthogonal),
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
             "l2": l2, "orthogonal": orthogonal, **({} if max_norm is None else {"max_norm": max_norm}),
             "losses": losses,
             "final": {n: rounded(v.numpy()) for n, v in zip(initial, variables)}}
        )
    penalties = []
    for shape in ((7, 3), (3, 7), (4, 4)):
        w = draw(rng, *shape)
        matrix = torch.tensor(w, dtype=torch.float64, requires_grad=True)
        gram = matrix.T @ matrix - torch.eye(shape[1], dtype=torch.float64)
        (0.5 * gram.square().sum()).backward()
        penalties.append(
            {"source": "torch", "weight": 0.5, "kernel": tensor(w), "gradient": rounded(matrix.grad)}
        )
    write(
        "regularization.json",
        {"images": tensor(images), "labels": [int(v) for v in labels],
         "initial": {k: tensor(v) for k, v in initial.items()}, "penalties": penalties,
         "cases": cases},
    )


if __name__ == "__main__":
    for maker in [normalization, mixing, mixed_labels, regularization]:
        if len(sys.argv) == 1 or maker.__name__ in sys.argv[1:]:
            maker()
