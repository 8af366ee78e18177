"""JAX: one function under jit for a step, weights and optimizer state donated; images as [n, height, width, channels]."""
import functools

import jax
import jax.numpy as jnp
from jax import lax

from serve import Runner, serve

SHAPES = ("NHWC", "HWIO", "NHWC")


def convolution(x, kernel, node, groups=1):
    side = node.options["padding"]
    return lax.conv_general_dilated(x, kernel, (node.options["strides"],) * 2, ((side, side), (side, side)), dimension_numbers=SHAPES,
                                    feature_group_count=groups)


def batch_norm(x, weights, state, training):
    if training:
        mean, variance = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
        state = {"moving_mean": 0.99 * state["moving_mean"] + 0.01 * mean, "moving_variance": 0.99 * state["moving_variance"] + 0.01 * variance}
    else:
        mean, variance = state["moving_mean"], state["moving_variance"]
    return (x - mean) * (lax.rsqrt(variance + 1e-3) * weights["gamma"]) + weights["beta"], state


def drop(x, rate, key):
    return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)


def layer(node, weights, values, training):
    x, kind = values[0], node.kind
    if kind == "dense":
        return x @ weights["kernel"] + weights["bias"]
    if kind == "conv":
        return convolution(x, weights["kernel"], node) + weights.get("bias", 0)
    if kind == "depthwise":
        height, width, channels, _ = weights["kernel"].shape
        return convolution(x, weights["kernel"].reshape(height, width, 1, channels), node, groups=channels)
    if kind == "conv_transpose":
        kernel = weights["kernel"][::-1, ::-1].transpose(0, 1, 3, 2)
        return lax.conv_general_dilated(x, kernel, (1, 1), ((2, 2), (2, 2)), (2, 2), dimension_numbers=SHAPES) + weights["bias"]
    if kind == "max_pool":
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
    return {"relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid, "add": lambda _: values[0] + values[1], "flatten": lambda x: x.reshape(len(x), -1),
            "global_average_pool": lambda x: jnp.mean(x, (1, 2)), "up_sample": lambda x: x.repeat(2, 1).repeat(2, 2)}[kind](x)


def forward(nodes, weights, states, x, training=False, dropout=0.0, key=None):
    """Outputs, and the states of the batch norms after it. weights and states have an entry for each node."""
    values, new_states = {-1: x}, list(states)
    for place, node in enumerate(nodes):
        sources = [values[source] for source in node.sources]
        if node.kind == "batch_norm":
            values[place], new_states[place] = batch_norm(sources[0], weights[place], states[place], training)
        elif node.kind == "dropout":
            values[place] = drop(sources[0], dropout, jax.random.fold_in(key, place)) if training and dropout else sources[0]
        else:
            values[place] = layer(node, weights[place], sources, training)
    return values[len(nodes) - 1], new_states


def loss_of(kind, outputs, targets):
    if kind == "squares":
        return jnp.mean((outputs - targets) ** 2)
    return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(outputs), targets[:, None], 1))


def adam(weights, gradients, moments, rate, step):
    """As in Kingma and Ba's paper, section 2, last sentence: what netc and Keras compute."""
    means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    scaled = rate * jnp.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step)
    return jax.tree.map(lambda w, m, v: w - scaled * m / (jnp.sqrt(v) + 1e-7), weights, means, squares), (means, squares)


def sgd(weights, gradients, moments, rate, step):
    velocity = jax.tree.map(lambda v, g: 0.9 * v - rate * g, moments[0], gradients)
    return jax.tree.map(jnp.add, weights, velocity), (velocity,)


def clipped(gradients, norm):
    if not norm:
        return gradients
    total = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(gradients)))
    return jax.tree.map(lambda g: g * jnp.minimum(1, norm / total), gradients)


def split(task):
    """Trained weights and states of each node."""
    is_state = lambda name: name.startswith("moving")  # noqa: E731
    weights = [{name: jnp.array(array) for name, array in arrays.items() if not is_state(name)} for _, arrays in task.layers()]
    states = [{name: jnp.array(array) for name, array in arrays.items() if is_state(name)} for _, arrays in task.layers()]
    return weights, states


class Training(Runner):
    settings = "jit, donated buffers"

    def __init__(self, task):
        network, nodes, dropout = task.network, task.nodes, task.dropout
        weights, states = split(task)
        zeros = lambda: jax.tree.map(jnp.zeros_like, weights)  # noqa: E731
        update, moments = (adam, (zeros(), zeros())) if network.optimizer.kind == "adam" else (sgd, (zeros(),))
        self.carried = (weights, states, moments, jnp.float32(1), jax.random.key(0))
        self.images, self.targets = jnp.array(task.images), jnp.array(task.targets)
        self.set_learning_rate(task.learning_rate)

        def objective(weights, states, images, targets, key):
            outputs, states = forward(nodes, weights, states, images, True, dropout, key)
            return loss_of(network.loss, outputs, targets), states

        @functools.partial(jax.jit, donate_argnums=0)
        def step(carried, images, targets, rate):
            weights, states, moments, number, key = carried
            key, mine = jax.random.split(key)
            (loss, states), gradients = jax.value_and_grad(objective, has_aux=True)(weights, states, images, targets, mine)
            weights, moments = update(weights, clipped(gradients, network.optimizer.clip), moments, rate, number)
            return loss, (weights, states, moments, number + 1, key)

        self.compiled = step

    def set_learning_rate(self, rate):
        self.rate = jnp.float32(rate)

    def step(self):
        loss, self.carried = self.compiled(self.carried, self.images, self.targets, self.rate)
        return loss

    def wait(self, result):
        jax.block_until_ready(self.carried)
        return float(result)


class Prediction(Runner):
    settings = "jit, weights as constants"

    def __init__(self, task):
        weights, states = split(task)
        self.images = jnp.array(task.images)

        @jax.jit
        def predict(images):
            outputs, _ = forward(task.nodes, weights, states, images)
            return jax.nn.softmax(outputs) if task.network.loss == "classes" else outputs

        self.compiled = predict

    def step(self):
        return self.compiled(self.images).block_until_ready()

    def wait(self, result):
        return result


if __name__ == "__main__":
    serve(jax.__version__, Training, Prediction)
