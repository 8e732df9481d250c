"""Makes second_order.json: fifty steps of Shampoo and of K-FAC.

    python make_second_order_fixtures.py

Needs, besides what make_fixtures.py needs, two repositories of GitHub: facebookresearch/optimizers at
commit f606606, Shi et al.'s own `distributed_shampoo`, and f-dangel/curvlinops at 63fd690, whose factors
of the empirical Fisher matrix and whose damped inverses these are; their averages, the bound and the
momentum are written out here. The conventions are those of make_fixtures.py; all is in float64.
"""

import logging

from make_fixtures import MADE_WITH, F, draw, np, tensor, torch, write

from curvlinops import KFACLinearOperator
from curvlinops.blockdiagonal import BlockDiagonalLinearOperator
from curvlinops.kfac_utils import FisherType
from curvlinops.kronecker import KroneckerProductLinearOperator
from distributed_shampoo import (
    AdamPreconditionerConfig,
    DistributedShampoo,
    RootInvShampooPreconditionerConfig,
    SingleDeviceDistributedConfig,
)

MADE_WITH["script"] = "make_second_order_fixtures.py"
MADE_WITH["curvlinops"] = "63fd690"
MADE_WITH["distributed_shampoo"] = "f606606"
STEPS = 50
logging.disable()
torch.set_default_dtype(torch.float64)


class Net(torch.nn.Module):
    """conv2d 3 of 3x3 tanh, conv2d 4 of 1x1 without bias tanh, dense 5 tanh, dense 3."""

    def __init__(self, initial):
        super().__init__()
        self.conv2d_0 = torch.nn.Conv2d(8, 3, 3, padding=1)
        self.conv2d_1 = torch.nn.Conv2d(3, 4, 1, bias=False)
        self.dense_3 = torch.nn.Linear(48, 5)
        self.dense_4 = torch.nn.Linear(5, 3)
        with torch.no_grad():
            for name, value in initial.items():
                self.parameter(name).copy_(from_ours(torch.tensor(value, dtype=torch.float64)))

    def parameter(self, name):
        layer, role = name.split("/")
        return getattr(getattr(self, layer), "weight" if role == "kernel" else "bias")

    def forward(self, x):
        x = torch.tanh(self.conv2d_1(torch.tanh(self.conv2d_0(x))))
        x = torch.tanh(self.dense_3(x.permute(0, 2, 3, 1).flatten(1)))
        return self.dense_4(x)


def from_ours(value):
    """Kernels as PyTorch has them."""
    return value.permute(3, 2, 0, 1) if value.ndim == 4 else value.T if value.ndim == 2 else value


def to_ours(value):
    return value.permute(2, 3, 1, 0) if value.ndim == 4 else value.T if value.ndim == 2 else value


def shampoo(kernels, biases, rate, every, decay, ridge, largest, graft, beta_1):
    """Kernels, as matrices, by Shi et al.'s optimizer; biases by Adam."""

    def group(matrix):
        long = [i for i in (0, 1) if matrix.shape[i] > largest]
        config = RootInvShampooPreconditionerConfig(
            factor_matrix_dtype=torch.float64, inv_factor_matrix_dtype=torch.float64,
            inverse_exponent_override={2: {long[0]: 0.0, 1 - long[0]: 0.5}} if long else {},
        )
        return {"params": [matrix], "preconditioner_config": config}

    return [
        DistributedShampoo(
            [group(k) for k in kernels], rate, (beta_1, decay), epsilon=ridge,
            precondition_frequency=every, max_preconditioner_dim=8192,
            grafting_config=AdamPreconditionerConfig(beta2=0.999, epsilon=1e-8) if graft else None,
            # Small matrices would else be merged into vectors.
            distributed_config=SingleDeviceDistributedConfig(target_parameter_dimensionality=2),
        ),
        torch.optim.Adam(biases, rate, (beta_1, 0.999), 1e-8),
    ]


class KFAC:
    def __init__(self, net, names, rate, momentum, damping, decay, kl_clip, every, moments_every):
        self.net, self.rate, self.damping, self.decay = net, rate, damping, decay
        self.kl_clip, self.every, self.moments_every = kl_clip, every, moments_every
        self.names = {n: net.parameter(n) for n in names}
        self.sgd = torch.optim.SGD(net.parameters(), rate, momentum)

    def step(self, step, x, y):
        """After the gradients of the mean loss were left with the parameters."""
        gradients = {n: p.grad.clone() for n, p in self.net.named_parameters()}
        mine = {n: p for n, p in self.net.named_parameters() if any(p is q for q in self.names.values())}
        if step % self.moments_every == 0:
            to, blocks, back = KFACLinearOperator(
                self.net, torch.nn.CrossEntropyLoss(), mine, [(x, y)],
                fisher_type=FisherType.EMPIRICAL, separate_weight_and_bias=False,
                check_deterministic=False,
            )
            self.to, self.back = to, back
            new = [list(block._factors) for block in blocks]
            kept = min(1 - 1 / (step // self.moments_every + 1), self.decay)
            self.factors = new if step == 0 else [
                [kept * a + (1 - kept) * b for a, b in zip(old, now)]
                for old, now in zip(self.factors, new)
            ]
        if step % self.every == 0:
            self.inverse = BlockDiagonalLinearOperator([
                KroneckerProductLinearOperator(*f).inverse(
                    damping=self.damping, use_heuristic_damping=True, min_damping=0.0)
                for f in self.factors
            ])
        v = [gradients[n] for n in mine]
        u = self.to @ (self.inverse @ (self.back @ v))
        length = self.rate**2 * float(sum((a * b).sum() for a, b in zip(u, v)))
        scale = min(1.0, (self.kl_clip / length) ** 0.5)
        for n, p in self.net.named_parameters():
            p.grad = gradients[n]
        for p, direction in zip(mine.values(), u):
            p.grad = scale * direction
        self.sgd.step()
        return scale


def main():
    rng = np.random.default_rng(91)
    inputs = draw(rng, 12, 4, 3, 8)
    labels = rng.integers(0, 3, 12)
    initial = {
        "conv2d_0/kernel": draw(rng, 3, 3, 8, 3, scale=0.15), "conv2d_0/bias": draw(rng, 3, scale=0.1),
        "conv2d_1/kernel": draw(rng, 1, 1, 3, 4, scale=0.6),
        "dense_3/kernel": draw(rng, 48, 5, scale=0.2), "dense_3/bias": draw(rng, 5, scale=0.1),
        "dense_4/kernel": draw(rng, 5, 3, scale=0.6), "dense_4/bias": draw(rng, 3, scale=0.1),
    }
    own = {"every": 3, "decay": 0.9, "ridge": 0.01, "largest": 128, "graft": True, "beta_1": 0.9}
    fisher = {
        "momentum": 0.8, "damping": 0.05, "decay": 0.8, "kl_clip": 1e9, "every": 3, "moments_every": 1,
        "largest": 128,
    }
    table = [
        ("shampoo", 0.02, {"shampoo": own}),
        ("shampoo on one side", 0.02, {"shampoo": {**own, "every": 1, "largest": 16}}),
        (
            "shampoo as first written", 0.05,
            {"shampoo": {**own, "every": 1, "decay": 1.0, "graft": False, "beta_1": 0.0}},
        ),
        ("kfac", 0.02, {"kfac": fisher}),
        ("kfac bounded", 0.1, {"kfac": {**fisher, "kl_clip": 0.001, "momentum": 0.0}}),
        ("kfac now and then", 0.02, {"kfac": {**fisher, "every": 4, "moments_every": 2, "largest": 40}}),
    ]
    cases = []
    for name, rate, options in table:
        net = Net(initial)
        names = {n: net.parameter(n) for n in initial}
        if "shampoo" in options:
            # Kernels as our matrices; the network reads them through views.
            matrices = {
                n: to_ours(p.detach()).reshape(-1, p.shape[0]).contiguous() for n, p in names.items()
                if n.endswith("kernel")
            }
            biases = [p for n, p in names.items() if n.endswith("bias")]
            optimizers = shampoo(list(matrices.values()), biases, rate, **options["shampoo"])
        else:
            kfac = dict(options["kfac"])
            largest = kfac.pop("largest")
            small = {
                n.split("/")[0] for n, v in initial.items()
                if n.endswith("kernel") and np.prod(v.shape[:-1]) <= largest
            }
            optimizer = KFAC(net, [n for n in initial if n.split("/")[0] in small], rate, **kfac)
        losses, scales = [], []
        for step in range(STEPS):
            batch = [(5 * step + i) % 12 for i in range(3 if step % 7 == 6 else 4)]
            x = torch.tensor(inputs[batch], dtype=torch.float64).permute(0, 3, 1, 2)
            y = torch.tensor(labels[batch])
            net.zero_grad()
            loss = F.cross_entropy(net(x), y)
            loss.backward()
            losses.append(float(loss.detach()))
            if "shampoo" in options:
                for n, m in matrices.items():
                    m.grad = to_ours(names[n].grad).reshape(m.shape).contiguous()
                for o in optimizers:
                    o.step()
                with torch.no_grad():
                    for n, m in matrices.items():
                        names[n].copy_(from_ours(m.reshape(initial[n].shape)))
            else:
                scales.append(optimizer.step(step, x, y))
        print(name, losses[:2], losses[-2:], min(scales, default=None))
        final = {n: tensor(to_ours(p.detach()).numpy()) for n, p in names.items()}
        source = "distributed_shampoo" if "shampoo" in options else "curvlinops"
        cases.append(
            {"name": name, "source": source, "learning_rate": rate, **options, "losses": losses,
             "final": final}
        )
    write(
        "second_order.json",
        {
            "inputs": tensor(inputs), "labels": [int(v) for v in labels],
            "initial": {n: tensor(v) for n, v in initial.items()}, "cases": cases,
        },
    )


if __name__ == "__main__":
    main()
