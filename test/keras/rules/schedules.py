"""The learning rate of 60 steps in a training of 5 epochs with 10 steps each, by every schedule."""

import math

import keras
import numpy as np

from rules.support import experiment

START, BATCHES = {}, [{}]
EPOCH, TOTAL, STEPS = 10, 50, 60


def one_cycle(step, top=0.5, steps=TOTAL, share=0.3, start_divisor=25.0, end_divisor=1e4):
    """Not in Keras: as PyTorch's OneCycleLR with cosine annealing."""
    start, turn = top / start_divisor, share * steps - 1
    if step <= turn:
        return start + (top - start) * (1 - math.cos(math.pi * step / turn)) / 2
    place = min((step - turn) / (steps - 1 - turn), 1)
    return top + (start / end_divisor - top) * (1 - math.cos(math.pi * place)) / 2


def at(rate):
    """Keras computes a schedule in the type of its learning rate, of a plain number in f32."""
    return keras.ops.convert_to_tensor(rate, keras.config.floatx())


def cases():
    schedules = keras.optimizers.schedules
    result = []

    def case(call, rate):
        rates = np.array([np.asarray(rate(keras.ops.convert_to_tensor(step))) for step in range(STEPS)])
        result.append({
            "name": call, "exact": 1e-7 if call.startswith("cosine") else 1e-9,  # Keras has pi in f32
            "net": experiment("(x: f32[1]) -> f32[1] { x -> dense(1) }",
                                            f"epochs = 5 loss = mse optimizer = sgd(learning_rate = {call})"),
            "runs": [{"function": "learning_rate", "first": 0, "last": STEPS, "series": {"learning_rate": rates}}]})

    case("constant(0.3)", lambda step: 0.3)
    case("exponential(0.5, 20, 0.3)", schedules.ExponentialDecay(at(0.5), 20, 0.3))
    case("exponential(0.5, 2 epochs, 0.3, staircase = true)", schedules.ExponentialDecay(at(0.5), 2 * EPOCH, 0.3, True))
    case("inverse_time(0.5, 20 steps, 2.0)", schedules.InverseTimeDecay(at(0.5), 20, 2.0))
    case("inverse_time(0.5, 1 epochs, 0.5, staircase = true)", schedules.InverseTimeDecay(at(0.5), EPOCH, 0.5, True))
    case("piecewise([1 epochs, 25 steps, 40], [0.9, 0.5, 0.25, 0.1])",
         schedules.PiecewiseConstantDecay([EPOCH, 25, 40], at([0.9, 0.5, 0.25, 0.1])))
    case("table([0.9, 0.5, 0.25, 0.1])",
         schedules.PiecewiseConstantDecay([EPOCH - 1, 2 * EPOCH - 1, 3 * EPOCH - 1], at([0.9, 0.5, 0.25, 0.1])))
    case("table([0.9, 0.5], every = 7 steps)", schedules.PiecewiseConstantDecay([6], at([0.9, 0.5])))
    case("polynomial(0.5, 4 epochs)", schedules.PolynomialDecay(at(0.5), 4 * EPOCH))
    case("polynomial(0.5, 30, 0.1, power = 2.5)", schedules.PolynomialDecay(at(0.5), 30, 0.1, 2.5))
    case("polynomial(0.5, 25, 0.1, power = 0.5, cycle = true)", schedules.PolynomialDecay(at(0.5), 25, 0.1, 0.5, cycle=True))
    case("cosine(0.5)", schedules.CosineDecay(at(0.5), TOTAL))
    case("cosine(0.5, 3 epochs, alpha = 0.2)", schedules.CosineDecay(at(0.5), 3 * EPOCH, 0.2))
    case("cosine(0.5, 30, 0.1, warmup = 1 epochs)",
         schedules.CosineDecay(at(0.0), 30, 0.1, warmup_target=at(0.5), warmup_steps=EPOCH))
    case("cosine(0.5, warmup = 12 steps)", schedules.CosineDecay(at(0.0), TOTAL - 12, warmup_target=at(0.5), warmup_steps=12))
    case("cosine_restarts(0.5, 7)", schedules.CosineDecayRestarts(at(0.5), 7))
    case("cosine_restarts(0.5, 1 epochs, t_mul = 1.0, m_mul = 0.8, alpha = 0.1)",
         schedules.CosineDecayRestarts(at(0.5), EPOCH, 1.0, 0.8, 0.1))
    case("cosine_restarts(0.5, 9, t_mul = 1.5, m_mul = 0.5)", schedules.CosineDecayRestarts(at(0.5), 9, 1.5, 0.5))
    exponential = schedules.ExponentialDecay(at(0.5), 20, 0.3)
    case("warmup(exponential(0.5, 20, 0.3), 8 steps)", lambda step: exponential(step) * min((int(step) + 1) / 8, 1.0))
    case("one_cycle(0.5)", lambda step: one_cycle(int(step)))
    case("one_cycle(0.5, 3 epochs, pct_start = 0.2, div_factor = 10, final_div_factor = 100)",
         lambda step: one_cycle(int(step), 0.5, 30, 0.2, 10, 100))
    return result
