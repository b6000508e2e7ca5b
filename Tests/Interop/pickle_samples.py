"""Good and bad files of weights, made here: what `torch.save`, numpy and picklers of all protocols write, and what is known to
be done to them. Nothing here is ever unpickled."""

import collections
import gzip
import io
import pickle
import struct
import tarfile
import zipfile
import zlib

# What must never run: it would leave a file of this name behind.
COMMAND = "touch /tmp/waggle-interop-was-run"


class Call:
    """Pickled as a call of something that is imported by name."""

    def __init__(self, module, name, *arguments):
        self.module, self.name, self.arguments = module, name, arguments


def op_global(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def text(value):
    data = value.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def short(value):
    data = value.encode()
    return b"\x8c" + bytes([len(data)]) + data


def stack_global(module, name):
    return short(module) + short(name) + b"\x93"


def call(module, name, argument=COMMAND):
    """Protocol 2: the name, a tuple of one text, REDUCE."""
    return op_global(module, name) + text(argument) + b"\x85R"


def framed(body, protocol=4):
    return b"\x80" + bytes([protocol]) + b"\x95" + struct.pack("<Q", len(body) + 1) + body + b"."


STORAGES = {"FloatStorage": 4, "HalfStorage": 2, "BFloat16Storage": 2, "LongStorage": 8, "ByteStorage": 1}


def persistent(kind, key, count, legacy=False):
    body = b"(" + text("storage") + op_global("torch", kind) + text(key) + text("cpu") + b"J" + struct.pack("<i", count)
    return body + (b"N" if legacy else b"") + b"tQ"


def tensor(kind, key, shape, legacy=False):
    count = 1
    for size in shape:
        count *= size
    sizes = b"".join(b"J" + struct.pack("<i", size) for size in shape)
    strides, step = [], 1
    for size in reversed(shape):
        strides.insert(0, step)
        step *= size
    steps = b"".join(b"J" + struct.pack("<i", size) for size in strides)
    empty = op_global("collections", "OrderedDict") + b")R"
    return (op_global("torch._utils", "_rebuild_tensor_v2") + b"(" + persistent(kind, key, count, legacy) + b"K\x00" +
            b"(" + sizes + b"t" + b"(" + steps + b"t" + b"\x89" + empty + b"tR")


TENSORS = [("model.weight", "FloatStorage", (4, 8)), ("model.bias", "HalfStorage", (8,)), ("step", "LongStorage", (1,)),
           ("ema", "BFloat16Storage", (2, 2))]


def state_dict(extra=b"", legacy=False, ordered=True, metadata=False):
    items = b"".join(text(name) + tensor(kind, str(number), shape, legacy) for number, (name, kind, shape) in enumerate(TENSORS))
    start = op_global("collections", "OrderedDict") + b")R" if ordered else b"}"
    body = b"\x80\x02" + start + b"q\x00(" + items + b"u"
    if metadata:
        body += b"}" + text("_metadata") + op_global("collections", "OrderedDict") + b")R(" + text("") + b"}" + \
            text("version") + b"K\x01su" + b"sb"
    return body + extra + b"."


def storage_bytes(number):
    _, kind, shape = TENSORS[number]
    count = 1
    for size in shape:
        count *= size
    # Numbers in which a pickle could be seen by whoever looks for one.
    return (b"\x80\x04cos\nsystem\n" * count)[:count * STORAGES[kind]]


def torch_zip(main, storages=range(len(TENSORS)), folder="archive", compression=zipfile.ZIP_STORED, extra=()):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        archive.writestr(f"{folder}/data.pkl", main)
        archive.writestr(f"{folder}/byteorder", "little")
        for number in storages:
            archive.writestr(f"{folder}/data/{number}", storage_bytes(number))
        archive.writestr(f"{folder}/version", "3\n")
        archive.writestr(f"{folder}/.data/serialization_id", "1234567890")
        for name, content in extra:
            archive.writestr(name, content)
    return data.getvalue()


def torch_legacy(main=None, tail=b""):
    magic = pickle.dumps(0x1950a86a20f9469cfc6c, 2)
    version = pickle.dumps(1001, 2)
    sizes = pickle.dumps({"protocol_version": 1001, "little_endian": True,
                          "type_sizes": {"short": 2, "int": 4, "long": 4}}, 2)
    keys = pickle.dumps([str(number) for number in range(len(TENSORS))], 2)
    storages = b""
    for number, (_, kind, _) in enumerate(TENSORS):
        data = storage_bytes(number)
        storages += struct.pack("<q", len(data) // STORAGES[kind]) + data
    return magic + version + sizes + (main or state_dict(legacy=True)) + keys + storages + tail


def numpy_files():
    import numpy
    files = {}
    arrays = {"weights": numpy.arange(12, dtype=numpy.float32).reshape(3, 4), "names": numpy.array(["a", "bc"]),
              "scalar": numpy.float64(1.5), "mask": numpy.array([True, False])}
    for protocol in range(6):
        files[f"numpy dictionary, protocol {protocol}"] = pickle.dumps(arrays, protocol)
    files["numpy random state"] = pickle.dumps(numpy.random.RandomState(1).get_state(), 2)
    single = io.BytesIO()
    numpy.save(single, arrays["weights"])
    files["an .npy file"] = single.getvalue()
    many = io.BytesIO()
    numpy.savez(many, **arrays)
    files["an .npz file"] = many.getvalue()
    packed = io.BytesIO()
    numpy.savez_compressed(packed, **arrays)
    files["a compressed .npz file"] = packed.getvalue()
    objects = io.BytesIO()
    numpy.save(objects, numpy.array([{"a": 1}, None], dtype=object), allow_pickle=True)
    files["an .npy file of plain objects"] = objects.getvalue()
    return files


def evil_numpy():
    import numpy
    header = io.BytesIO()
    numpy.save(header, numpy.array([None], dtype=object), allow_pickle=True)
    whole = header.getvalue()
    return whole[:whole.index(b"\n") + 1] + b"\x80\x02" + call("os", "system") + b"."


def good():
    """Names and bytes of files in which nothing is wrong."""
    plain = {"epoch": 3, "loss": 0.25, "names": ["a", "b"] * 700, "nested": {"x": (1, 2, 3, 4), "y": None, "z": True},
             "big": 1 << 80, "negative": -5, "text": "a \u00e9\u4e2d", "bytes": b"\x00\xff" * 200}
    lightning = {"state_dict": collections.OrderedDict(), "epoch": 4, "global_step": 1000,
                 "pytorch-lightning_version": "2.1.0", "loops": {"fit_loop": {"state_dict": {}}}, "callbacks": {},
                 "optimizer_states": [{"state": {}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}],
                 "hyper_parameters": {"lr": 1e-3, "layers": [1, 2]}}
    files = {}
    for protocol in range(6):
        files[f"plain values, protocol {protocol}"] = pickle.dumps(plain, protocol)
    for protocol in (0, 2, 5):
        files[f"ordered dictionary, protocol {protocol}"] = pickle.dumps(
            collections.OrderedDict([("a", 1), ("b", collections.OrderedDict())]), protocol)
        files[f"sets and counters, protocol {protocol}"] = pickle.dumps(
            {"s": {1, 2}, "f": frozenset((3,)), "c": collections.Counter("abc"), "d": collections.defaultdict(list, a=[1]),
             "z": 1 + 2j, "b": bytearray(b"abc")}, protocol)
    files["torch state dict"] = torch_zip(state_dict())
    files["torch state dict with metadata"] = torch_zip(state_dict(metadata=True))
    files["torch plain dict"] = torch_zip(state_dict(ordered=False))
    files["torch state dict in another folder"] = torch_zip(state_dict(), folder="model_v1")
    files["torch state dict, compressed by somebody"] = torch_zip(state_dict(), compression=zipfile.ZIP_DEFLATED)
    files["old torch state dict"] = torch_legacy()
    for protocol in (2, 4):
        files[f"Lightning checkpoint without tensors, protocol {protocol}"] = torch_zip(pickle.dumps(lightning, protocol), ())
    files["two pickles one after another"] = pickle.dumps(plain, 4) + pickle.dumps([1], 2)
    files["a pickle in gzip"] = gzip.compress(pickle.dumps(plain, 4))
    files["a pickle in zlib"] = zlib.compress(pickle.dumps(plain, 4))
    recursive = []
    recursive.append(recursive)
    files["a list in itself"] = pickle.dumps(recursive, 4)
    deep = []
    for _ in range(400):
        deep = [deep]
    files["lists in lists"] = pickle.dumps(deep, 4)
    files.update(numpy_files())
    return files


def bad():
    """Names and bytes of files that run something, or hide what they hold."""
    evil = b"\x80\x02" + call("os", "system") + b"."
    files = {}
    # Every protocol and every opcode that calls.
    files["protocol 0, REDUCE"] = op_global("os", "system") + b"(S'" + COMMAND.encode() + b"'\ntR."
    files["protocol 0, INST"] = b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n."
    files["protocol 1, OBJ"] = b"(" + op_global("os", "system") + b"X" + struct.pack("<I", len(COMMAND)) + \
        COMMAND.encode() + b"o."
    files["protocol 2, REDUCE"] = evil
    files["protocol 2, NEWOBJ"] = b"\x80\x02" + op_global("subprocess", "Popen") + text(COMMAND) + b"\x85\x81."
    files["protocol 3"] = b"\x80\x03" + call("posix", "system") + b"."
    files["protocol 4, STACK_GLOBAL"] = framed(stack_global("os", "system") + short(COMMAND) + b"\x85R")
    files["protocol 4, NEWOBJ_EX"] = framed(stack_global("subprocess", "Popen") + short(COMMAND) + b"\x85}\x92")
    files["protocol 5"] = framed(stack_global("os", "system") + short(COMMAND) + b"\x85R", 5)
    # Other names for the same.
    for module, name in [("builtins", "eval"), ("builtins", "exec"), ("__builtin__", "eval"), ("builtins", "getattr"),
                         ("nt", "system"), ("runpy", "run_path"), ("importlib", "import_module"), ("pty", "spawn"),
                         ("webbrowser", "open"), ("timeit", "timeit"), ("cProfile", "run"), ("bdb", "Bdb"),
                         ("pip._internal.cli.main", "main"), ("torch.hub", "load"), ("torch.jit", "load"),
                         ("numpy.f2py.crackfortran", "getlincoef"), ("numpy.testing._private.utils", "runstring"),
                         ("torch.storage", "_load_from_bytes"), ("pickle", "loads"), ("marshal", "loads"),
                         ("functools", "partial"), ("operator", "attrgetter"), ("ctypes", "CDLL"), ("code", "interact"),
                         ("httplib", "HTTPSConnection"), ("requests.api", "get"), ("asyncio.unix_events", "_UnixSubprocessTransport"),
                         ("collections", "OrderedDict.fromkeys.__func__"), ("torch._utils", "_import_dotted_name"),
                         ("unknown_package.module", "anything")]:
        files[f"{module}.{name}"] = b"\x80\x02" + call(module, name) + b"."
    files["a dotted name, protocol 4"] = framed(stack_global("collections", "abc.sys.modules") + short("x") + b"\x85R")
    files["code in the second argument"] = b"\x80\x02" + op_global("builtins", "map") + op_global("builtins", "eval") + \
        b"(" + text("1") + b"l\x86R."
    # Names out of sight.
    files["a name from the memo"] = framed(short("system") + b"\x94" + b"0" + short("os") + b"h\x00\x93" + short(COMMAND) + b"\x85R")
    files["a memo entry put twice"] = framed(short("OrderedDict") + b"q\x05" + b"0" + short("system") + b"q\x05" + b"0" +
                                             short("os") + b"h\x05\x93" + short(COMMAND) + b"\x85R")
    files["good name and bad name, the bad one used"] = framed(
        stack_global("collections", "OrderedDict") + b"\x940" + stack_global("os", "system") + b"\x940h\x01" +
        short(COMMAND) + b"\x85R")
    files["a name behind DUP and POP"] = framed(short("os") + short("x") + b"0" + short("system") + b"20" + b"\x93" +
                                                short(COMMAND) + b"\x85R")
    files["a name behind marks"] = framed(b"(" + short("collections") + b"1" + short("os") + short("system") + b"\x93" +
                                          short(COMMAND) + b"\x85R")
    files["a computed name"] = framed(stack_global("builtins", "str") + short("os") + b"\x85R" + short("system") + b"\x93" +
                                      short(COMMAND) + b"\x85R")
    files["a name of text with escapes"] = b"\x80\x04V\\u006fs\nVsyst\\u0065m\n\x93" + short(COMMAND) + b"\x85R."
    files["an extension code"] = b"\x80\x02\x82\x01" + text(COMMAND) + b"\x85R."
    files["a long extension code"] = b"\x80\x02\x84\x01\x00\x00\x00" + text(COMMAND) + b"\x85R."
    files["BUILD on a function"] = b"\x80\x02" + op_global("collections", "OrderedDict") + b"}" + text("__setstate__") + \
        op_global("os", "system") + b"sb" + text(COMMAND) + b"b."
    files["BUILD with a state that runs"] = b"\x80\x02" + op_global("argparse", "Namespace") + b")\x81}" + \
        text("__setstate__") + op_global("os", "system") + b"sb" + text(COMMAND) + b"b."
    files["a persistent id of text"] = b"Pfile:///etc/passwd\n."
    files["a persistent id without a reader"] = b"\x80\x02" + persistent("FloatStorage", "0", 4) + b"."
    files["an odd persistent id"] = torch_zip(b"\x80\x02(" + text("module") + op_global("torch", "FloatStorage") +
                                              text("x.py") + text("import os") + b"tQ.", ())
    files["append on a class"] = b"\x80\x02" + op_global("builtins", "list") + text("x") + b"a."
    # Where it lies in the file.
    files["after STOP"] = pickle.dumps([1], 2) + evil
    files["after STOP and bytes"] = pickle.dumps([1], 2) + b"\x00" * 4 + evil
    files["before an opcode that is none"] = b"\x80\x02" + call("os", "system") + b"\xff\xff\xff."
    files["cut off after the call"] = b"\x80\x02" + call("os", "system")
    files["with a frame that lies"] = b"\x80\x04\x95" + struct.pack("<Q", 3) + stack_global("os", "system") + short(COMMAND) + b"\x85R."
    files["in a torch archive"] = torch_zip(state_dict(extra=call("os", "system") + b"0"))
    files["in a torch archive, compressed"] = torch_zip(state_dict(extra=call("os", "system") + b"0"),
                                                        compression=zipfile.ZIP_DEFLATED)
    files["in another file of a torch archive"] = torch_zip(state_dict(), extra=[("archive/data/evil", evil)])
    files["in a file with a harmless ending"] = torch_zip(state_dict(), extra=[("archive/readme.txt", evil)])
    files["in an old torch file"] = torch_legacy(main=state_dict(extra=call("os", "system") + b"0", legacy=True))
    files["in the first pickle of an old torch file"] = evil + torch_legacy()
    files["after the storages of an old torch file"] = torch_legacy(tail=evil)
    files["in gzip"] = gzip.compress(evil)
    files["in zlib"] = zlib.compress(evil)
    files["in an .npy file"] = evil_numpy()
    npz = io.BytesIO()
    with zipfile.ZipFile(npz, "w") as archive:
        archive.writestr("a.npy", evil_numpy())
    files["in an .npz file"] = npz.getvalue()
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo("weights.bin")
        member.size = len(evil)
        archive.addfile(member, io.BytesIO(evil))
    files["in a tar archive"] = tar.getvalue()
    files["TorchScript"] = torch_zip(state_dict(), extra=[("archive/code/__torch__.py", "def forward(self): pass"),
                                                          ("archive/constants.pkl", b"\x80\x02).")])
    # Containers that two readers read differently.
    good_zip = torch_zip(state_dict())
    files["a pickle in front of the archive"] = evil + good_zip
    files["a pickle behind the archive"] = good_zip + evil
    files["two archives in one"] = torch_zip(state_dict(extra=call("os", "system") + b"0")) + good_zip
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("archive/data.pkl", evil)
        archive.writestr("archive/data.pkl", pickle.dumps([1], 2))
    files["two files of one name"] = twice.getvalue()
    lying = bytearray(torch_zip(evil, ()))
    place = lying.index(b"archive/data.pkl")
    lying[place:place + 16] = b"archive/data.txt"
    files["a local name that is another"] = bytes(lying)
    flags = bytearray(torch_zip(evil, ()))
    flags[6] |= 1
    files["a local header that says encrypted"] = bytes(flags)
    for title, name in [("an absolute name", "/etc/cron.d/x"), ("a name that climbs", "archive/../../x"),
                        ("a Windows name", "C:\\x")]:
        files[title] = torch_zip(state_dict(), extra=[(name, "x")])
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        info = zipfile.ZipInfo("archive/link")
        info.create_system = 3
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    files["a link in an archive"] = link.getvalue()
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02" + b"N0" * (80 << 20) + b"N.")
    files["a compressed bomb"] = bomb.getvalue()
    files["a memo bomb"] = b"\x80\x02Nr\xff\xff\xff\x7f."
    files["an array of a terabyte"] = b"\x80\x02" + op_global("numpy.core.multiarray", "_reconstruct") + \
        op_global("numpy", "ndarray") + b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85C\x01b\x87R."
    files["a bytearray of a terabyte"] = b"\x80\x02" + op_global("builtins", "bytearray") + b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85R."
    files["a set of a terabyte"] = b"\x80\x02" + op_global("builtins", "set") + op_global("builtins", "range") + \
        b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85R\x85R."
    return files
