# SPDX-License-Identifier: Apache-2.0
"""Networks for slow_onnx.sh: exports ONNX files, and compares what mpq and onnxruntime make of them.

    onnx_networks.py make FOLDER MODELS     writes for each network NAME.onnx, NAME.like.json (its data) and
                                            NAME.options; prints the names
    onnx_networks.py compare FOLDER NAME    NAME.npy (mpq eval --outputs) against onnxruntime, to 1e-4
    onnx_networks.py classes ONNX IMAGES MPQ.npy   an exported quantized network against the integer model
"""
import json
import sys
from pathlib import Path

import numpy
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

IMAGES = 12
SCALE = 1 / 255


# ---- PyTorch networks ------------------------------------------------------------------------------------------------
class FromJson(nn.Module):
    """A network of host/models/*.json."""

    def __init__(self, model):
        super().__init__()
        shape = model["input"] if isinstance(model["input"], list) else model["input"]["shape"]
        self.size, self.channels = list(shape[:2]), shape[2]
        self.layers, self.steps, names = nn.ModuleList(), [], {}
        for index, layer in enumerate(model["layers"]):
            names[layer.get("name", f"#{index}")] = index
            self.steps.append((layer["op"], *self.add(layer), names.get(layer.get("with"), -1)))

    def pair(self, layer, key, default):
        value = layer.get(key, default)
        value = self.size if value == "global" else value
        return list(value) if isinstance(value, list) else [value, value]

    def pads(self, layer, kernel, stride):
        padding = layer.get("padding", "valid")
        if padding == "same":
            need = [max(0, (-(-s // t) - 1) * t + k - s) for s, k, t in zip(self.size, kernel, stride)]
            top, left = need[0] // 2, need[1] // 2
            return [top, left, need[0] - top, need[1] - left]
        if padding == "valid":
            return [0, 0, 0, 0]
        return list(padding) if isinstance(padding, list) else [padding] * 4

    def add(self, layer):
        op, module, pads = layer["op"], nn.Identity(), [0, 0, 0, 0]
        if op in ("conv", "depthwise", "maxpool", "avgpool"):
            kernel = self.pair(layer, "kernel", None)
            stride = self.pair(layer, "stride", 1 if op in ("conv", "depthwise") else kernel)
            pads = self.pads(layer, kernel, stride)
            outputs = layer.get("channels", self.channels)
            groups = self.channels if op == "depthwise" else layer.get("groups", 1)
            if op in ("conv", "depthwise"):
                module = nn.Conv2d(self.channels, outputs, kernel, stride, groups=groups, bias=layer.get("bias", True))
                self.channels = outputs
            else:
                module = (nn.MaxPool2d if op == "maxpool" else nn.AvgPool2d)(kernel, stride)
            self.size = [(s + pads[d] + pads[d + 2] - kernel[d]) // stride[d] + 1 for d, s in enumerate(self.size)]
        elif op == "fc":
            module = nn.Linear(self.channels * self.size[0] * self.size[1], layer["outputs"])
            self.channels, self.size = layer["outputs"], [1, 1]
        elif op == "batchnorm":
            module = batchnorm(self.channels)
        else:
            module = {"relu": nn.ReLU(), "relu6": nn.ReLU6(), "dropout": nn.Dropout()}.get(op, module)
        self.layers.append(module)
        return len(self.layers) - 1, pads

    def forward(self, x):
        values = []
        for op, index, (top, left, bottom, right), other in self.steps:
            if op == "fc" or op == "flatten":
                x = torch.flatten(x, 1)
            if top or left or bottom or right:
                x = functional.pad(x, (left, right, top, bottom))
            x = self.layers[index](x)
            if op == "add":
                x = x + values[other]
            values.append(x)
        return x


def batchnorm(channels):
    module = nn.BatchNorm2d(channels)
    nn.init.uniform_(module.running_mean, -0.3, 0.3)
    nn.init.uniform_(module.running_var, 0.5, 2)
    nn.init.uniform_(module.weight, 0.5, 1.5)
    nn.init.uniform_(module.bias, -0.3, 0.3)
    return module


class Residual(nn.Module):
    """Batch norm before and behind convolutions, depthwise, grouped, residual, ReLU6, two ways of global pooling."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), batchnorm(8), nn.ReLU6())
        self.block = nn.Sequential(nn.Conv2d(8, 16, 1), batchnorm(16), nn.ReLU6(), nn.Conv2d(16, 16, (3, 5), 1, (1, 2), groups=16),
                                   nn.ReLU(), nn.Conv2d(16, 8, 1, groups=2), batchnorm(8))
        self.before = batchnorm(8)  # pre-activation
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.last = nn.Conv2d(8, 12, (3, 2), padding=(1, 0))
        self.head = nn.Linear(12, 7)

    def forward(self, x):
        x = self.first(x)
        x = x + self.block(x)
        x = self.last(torch.relu(self.before(self.pool(x))))
        x = x.mean((2, 3))
        return functional.log_softmax(self.head(x.view(x.size(0), -1)), 1)


class ResNet(nn.Module):
    """Shortcuts with convolutions of their own, a mean that counts its padding, limits other than ReLU6's."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 1, 1, bias=False), batchnorm(8), nn.Hardtanh(-0.5, 1.5), nn.AvgPool2d(3, 2, 1))
        self.main, self.short = nn.ModuleList(), nn.ModuleList()
        for inputs, outputs, stride in ((8, 8, 1), (8, 12, 2), (12, 16, 1)):
            self.main.append(nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), batchnorm(outputs), nn.ReLU(),
                                           nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False), batchnorm(outputs)))
            self.short.append(nn.Identity() if stride == 1 and inputs == outputs else
                              nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), batchnorm(outputs)))
        self.head = nn.Linear(16, 5)

    def forward(self, x):
        x = self.stem(x)
        for main, short in zip(self.main, self.short):
            x = torch.relu(main(x) + short(x))
        return self.head(torch.flatten(functional.adaptive_avg_pool2d(x.clamp(max=4), 1), 1))


class Normalized(nn.Module):
    """Scales its own input, in front of a padded and behind an unpadded convolution; adaptive pooling."""

    def __init__(self, padding):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1))
        self.net = nn.Sequential(nn.Conv2d(3, 6, 3, padding=padding), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                                 nn.Dropout(), nn.Linear(6, 4), nn.Softmax(1))

    def forward(self, x):
        return self.net((x - self.mean) / 0.25)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(60, 30), nn.BatchNorm1d(30), nn.ReLU(), nn.Linear(30, 5))

    def forward(self, x):
        return self.layers(x.reshape(-1, 60))


# ---- As Keras exports it ---------------------------------------------------------------------------------------------
def keras_network(random):
    """N, H, W, C outside, Transpose around the convolutions, bias by Add, MatMul, Reshape by a computed shape."""
    def weights(name, *dims):
        return numpy_helper.from_array(random.normal(0, 0.3, dims).astype(numpy.float32), name)

    constants = [weights("w1", 8, 3, 3, 3), weights("b1", 8, 1, 1), weights("w2", 8, 1, 3, 3), weights("b2", 8),
                 weights("w3", 8 * 4 * 5, 6), weights("b3", 6), numpy_helper.from_array(numpy.float32(1 / 255), "rescale"),
                 numpy_helper.from_array(numpy.float32(6), "six"), numpy_helper.from_array(numpy.array([-1]), "minus"),
                 numpy_helper.from_array(numpy.array([0]), "zero"), numpy_helper.from_array(numpy.array([1]), "one")]
    nodes = [
        helper.make_node("Mul", ["x", "rescale"], ["x1"], "rescaling"),
        helper.make_node("Transpose", ["x1"], ["x2"], "to_nchw", perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["x2", "w1"], ["c1"], "conv", auto_pad="SAME_UPPER", strides=[2, 2]),
        helper.make_node("Add", ["c1", "b1"], ["a1"], "bias"),
        helper.make_node("Relu", ["a1"], ["r1"], "relu"),
        helper.make_node("Min", ["r1", "six"], ["m1"], "relu6"),
        helper.make_node("Conv", ["m1", "w2", "b2"], ["c2"], "depthwise", group=8, auto_pad="SAME_LOWER"),
        helper.make_node("Clip", ["c2", "low"], ["r2"], "clip"),
        helper.make_node("AveragePool", ["r2"], ["p"], "pool", kernel_shape=[2, 2], strides=[2, 2], auto_pad="VALID"),
        helper.make_node("Transpose", ["p"], ["t"], "to_nhwc", perm=[0, 2, 3, 1]),
        helper.make_node("Shape", ["t"], ["shape"], "shape"),
        helper.make_node("Slice", ["shape", "zero", "one"], ["batch"], "slice"),
        helper.make_node("Concat", ["batch", "minus"], ["to"], "concat", axis=0),
        helper.make_node("Reshape", ["t", "to"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "w3"], ["d"], "dense"),
        helper.make_node("Add", ["d", "b3"], ["y0"], "dense_bias"),
        helper.make_node("Softmax", ["y0"], ["y"], "softmax"),
    ]
    constants.append(numpy_helper.from_array(numpy.float32(0), "low"))
    graph = helper.make_graph(nodes, "keras", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16, 20, 3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 6])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)
    onnx.checker.check_model(model)
    return model


# ---- Files -----------------------------------------------------------------------------------------------------------
def write_data(folder, name, shape, classes, random, is_signed, scale):
    images = random.integers(0, 256, (IMAGES, *shape))
    images = (images * random.uniform(0, 1, (IMAGES, 1, 1, shape[2]))).astype(numpy.uint8)
    numpy.save(folder / f"{name}.images.npy", images)
    numpy.save(folder / f"{name}.labels.npy", random.integers(0, classes, IMAGES))
    files = {f"{part}_{kind}": f"{name}.{kind}.npy" for part in ("train", "test") for kind in ("images", "labels")}
    like = {"name": "like", "input": {"shape": shape, "signed": is_signed, "scale": scale}, "classes": classes,
            "data": {"format": "npy", **files}, "train": {"validation": 0}, "layers": [{"op": "fc", "outputs": classes}]}
    (folder / f"{name}.like.json").write_text(json.dumps(like))


class Maker:
    def __init__(self, folder):
        self.folder, self.random = folder, numpy.random.default_rng(1)

    def add(self, name, network, shape, options="", dynamo=False, is_signed=False, **export):
        """shape: height, width, channels."""
        torch.manual_seed(1)
        network = network()
        for module in network.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.momentum = 1.0
            elif isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")  # deep networks keep their signal
        network.train()(torch.rand(32, shape[2], *shape[:2]) - 0.5 * is_signed)  # for statistics that fit the values
        network.eval()
        x = torch.rand(2, shape[2], *shape[:2])
        classes = network(x).shape[1]
        open_batch = {"dynamic_shapes": ({0: torch.export.Dim("N")},)} if dynamo else {"dynamic_axes": {"x": {0: "N"}}}
        torch.onnx.export(network, (x,), self.folder / f"{name}.onnx", dynamo=dynamo, input_names=["x"], verbose=False,
                          **open_batch, **export)
        self.finish(name, shape, classes, options, is_signed, SCALE)

    def finish(self, name, shape, classes, options, is_signed, scale):
        write_data(self.folder, name, shape, classes, self.random, is_signed, scale)
        (self.folder / f"{name}.options").write_text(options)
        print(name)


def make(folder, models):
    maker = Maker(Path(folder))
    for path in sorted(Path(models).glob("*.json")):
        model = json.loads(path.read_text())
        shape = model["input"] if isinstance(model["input"], list) else model["input"]["shape"]
        maker.add(path.stem, lambda model=model: FromJson(model), shape, is_signed="mcunet" in path.stem,
                  dynamo=path.stem == "lenet5_mnist")
    maker.add("residual", Residual, [18, 22, 3])
    maker.add("residual_nodes", Residual, [18, 22, 3], do_constant_folding=False,
              training=torch.onnx.TrainingMode.PRESERVE)
    maker.add("residual_dynamo", Residual, [18, 22, 3], dynamo=True)
    maker.add("resnet", ResNet, [12, 13, 3])
    maker.add("resnet_dynamo", ResNet, [12, 13, 3], dynamo=True)
    maker.add("normalized_padded", lambda: Normalized(1), [9, 11, 3])
    maker.add("normalized", lambda: Normalized(0), [9, 11, 3], is_signed=True)
    maker.add("outside", lambda: Normalized(1).net, [9, 11, 3], "--mean 0.4,0.5,0.6 --std 0.25")
    maker.add("mlp", Mlp, [3, 4, 5])
    onnx.save(keras_network(maker.random), maker.folder / "keras.onnx")
    maker.finish("keras", [16, 20, 3], 6, "--scale 1", False, SCALE)


# ---- Comparison ------------------------------------------------------------------------------------------------------
def run_onnx(path, x):
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: x})


def compare(folder, name):
    folder = Path(folder)
    images = numpy.load(folder / f"{name}.images.npy").astype(numpy.float32)
    like, made = (json.loads((folder / f"{name}.{kind}").read_text()) for kind in ("like.json", "json"))
    images -= 128 if like["input"]["signed"] else 0
    options = (folder / f"{name}.options").read_text()
    x = images * numpy.float32(1 if "--scale 1" in options else SCALE)
    if "--mean" in options:
        x = (x - numpy.array([0.4, 0.5, 0.6], numpy.float32)) / numpy.float32(0.25)
    if name != "keras":
        x = numpy.ascontiguousarray(x.transpose(0, 3, 1, 2))
    want = run_onnx(folder / f"{name}.onnx", x)[0]
    got = numpy.load(folder / f"{name}.npy").astype(numpy.float64)
    last = made["layers"][-1]["op"]
    if last.endswith("softmax"):
        got = got - got.max(1, keepdims=True)
        got -= numpy.log(numpy.exp(got).sum(1, keepdims=True))
        got = numpy.exp(got) if last == "softmax" else got
    error = float(numpy.abs(got - want).max()) if got.shape == want.shape else f"shapes {got.shape} {want.shape}"
    spread = float(numpy.abs(want).max())
    varies = float(numpy.ptp(want, 0).max()) > 1e-3 * spread
    print("equal" if varies and isinstance(error, float) and error <= 1e-4 * max(1, spread) else
          f"{error} of {spread}{'' if varies else ', the same for every image'}")


def classes(model, images, values):
    """images: .npy of bytes, N, H, W, C. Prints the numbers of images, and of those whose class or values differ."""
    onnx.checker.check_model(model)
    loaded = onnx.load(model)
    meta = {entry.key: entry.value for entry in loaded.metadata_props}
    signed = any(t.name == "input.zero_point" and t.data_type == TensorProto.INT8 for t in loaded.graph.initializer)
    images, want = numpy.load(images).astype(numpy.float32) - 128 * signed, numpy.load(values)
    wrong = differ = 0
    for first in range(0, len(images), 1000):
        x = images[first:first + 1000] * numpy.float32(meta["input_scale"])
        logits, found = run_onnx(model, numpy.ascontiguousarray(x.transpose(0, 3, 1, 2)))
        whole = want[first:first + 1000]
        wrong += int((found != whole.argmax(1)).sum())
        differ += int((numpy.rint(logits / numpy.float32(meta["output_scale"])) != whole).any(1).sum())
    print("images", len(images), "classes differ", wrong, "values differ", differ)


if __name__ == "__main__":
    {"make": make, "compare": compare, "classes": classes}[sys.argv[1]](*sys.argv[2:])
