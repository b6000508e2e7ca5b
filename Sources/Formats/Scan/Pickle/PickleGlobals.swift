/// What may be done with a name that pickles ask for.
enum PickleRule: Sendable {
    /// Never called: a class or constant that only says what something is.
    case reference
    /// The class of a storage, named by persistent ids.
    case storage(itemSize: UInt64)
    /// Called with anything.
    case call
    /// Called with anything; `BUILD` may follow with a dictionary or what its own `__setstate__` takes.
    case callAndBuild
    /// Called with at most one list, tuple or constant: with a `range` it would eat all memory.
    case collection
    /// `bytearray`: a number would be a size.
    case byteArray
    /// `_codecs.encode(text, "latin1")`, how protocol 2 writes bytes.
    case encode
    /// `_reconstruct(ndarray, (0,), b"b")`, and `BUILD` after it.
    case reconstructArray
    /// `copyreg._reconstructor(class, object | dict | list, state)`, how protocols 0 and 1 write objects.
    case reconstructor
    /// `_rebuild_from_type_v2(function, type, arguments, state)`.
    case rebuildFromType
    /// `defaultdict(type)`.
    case defaultDictionary
}

/// The names that a pickle of weights and plain values needs; any other is danger. Exact pairs, so that a dotted name
/// (`OrderedDict.fromkeys`) and a module's relative are others.
enum PickleGlobals {
    static func rule(module: some StringProtocol, name: some StringProtocol) -> PickleRule? {
        table["\(module) \(name)"]
    }

    private static let table: [String: PickleRule] = {
        var table: [String: PickleRule] = [:]
        func add(_ modules: [String], _ names: String, _ rule: PickleRule) {
            for module in modules {
                for name in names.split(separator: " ") { table["\(module) \(name)"] = rule }
            }
        }
        let builtins = ["builtins", "__builtin__"]
        add(builtins, "list dict tuple int float str bool object bytes long unicode NoneType", .reference)
        add(builtins, "set frozenset", .collection)
        add(builtins, "complex slice range xrange", .call)
        add(builtins, "bytearray", .byteArray)
        add(["_codecs"], "encode", .encode)
        add(["copyreg", "copy_reg"], "_reconstructor", .reconstructor)
        add(["collections"], "OrderedDict", .callAndBuild)
        add(["collections"], "Counter deque", .collection)
        add(["collections"], "defaultdict", .defaultDictionary)
        add(["datetime"], "datetime date time timedelta timezone", .call)
        add(["decimal"], "Decimal", .call)
        add(["pathlib", "pathlib._local"], "Path PosixPath WindowsPath PurePosixPath PureWindowsPath", .call)
        add(["argparse"], "Namespace", .callAndBuild)
        addNumpy(add)
        addTorch(add)
        // Dictionaries with another name, and the class that Lightning's checkpoints have as a key.
        add(
            [
                "pytorch_lightning.utilities.parsing", "lightning.pytorch.utilities.parsing",
                "lightning_fabric.utilities.data", "lightning.fabric.utilities.data",
            ], "AttributeDict", .callAndBuild)
        add(
            ["pytorch_lightning.callbacks.model_checkpoint", "lightning.pytorch.callbacks.model_checkpoint"],
            "ModelCheckpoint", .reference)
        return table
    }()

    private static func addNumpy(_ add: ([String], String, PickleRule) -> Void) {
        add(["numpy.core.multiarray", "numpy._core.multiarray"], "_reconstruct", .reconstructArray)
        add(["numpy.core.multiarray", "numpy._core.multiarray"], "scalar", .call)
        add(["numpy.core.numeric", "numpy._core.numeric"], "_frombuffer", .call)
        add(["numpy"], "dtype", .callAndBuild)
        add(["numpy"], "ndarray", .reference)
        add(["numpy.dtypes"], dataTypes.map { "\($0)DType" }.joined(separator: " "), .call)
        add(
            ["numpy.random._pickle"], "__randomstate_ctor __bit_generator_ctor __generator_ctor", .callAndBuild)
        add(["numpy.random._mt19937"], "MT19937", .reference)
        add(["numpy.random._pcg64"], "PCG64 PCG64DXSM", .reference)
        add(["numpy.random._philox"], "Philox", .reference)
        add(["numpy.random._sfc64"], "SFC64", .reference)
    }

    private static let dataTypes = [
        "Bool", "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float16", "Float32",
        "Float64", "Complex64", "Complex128",
    ]

    private static func addTorch(_ add: ([String], String, PickleRule) -> Void) {
        add(
            ["torch._utils"],
            """
            _rebuild_tensor _rebuild_tensor_v2 _rebuild_tensor_v3 _rebuild_parameter _rebuild_parameter_with_state \
            _rebuild_qtensor _rebuild_sparse_tensor _rebuild_meta_tensor_no_storage \
            _rebuild_device_tensor_from_numpy _rebuild_device_tensor_from_cpu_tensor
            """, .callAndBuild)
        add(["torch._tensor"], "_rebuild_from_type_v2", .rebuildFromType)
        add(["torch"], "Size device", .call)
        add(["torch"], "Tensor", .reference)
        add(["torch.nn.parameter"], "Parameter Buffer", .callAndBuild)
        add(["torch.serialization"], "_get_layout", .call)
        add(["torch.torch_version"], "TorchVersion", .call)
        add(
            ["torch"],
            """
            float16 bfloat16 float32 float64 half float double int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool \
            short int long complex32 complex64 complex128 cfloat cdouble qint8 quint8 qint32 quint4x2 quint2x4 \
            float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu float4_e2m1fn_x2 \
            per_tensor_affine per_channel_affine per_tensor_symmetric per_channel_symmetric \
            per_channel_affine_float_qparams contiguous_format channels_last channels_last_3d preserve_format strided
            """, .reference)
        let storages: [(String, UInt64)] = [
            ("Double Long ComplexFloat", 8), ("Float Int QInt32", 4), ("Half BFloat16 Short", 2),
            ("Char Byte Bool QInt8 QUInt8 QUInt4x2 QUInt2x4", 1), ("ComplexDouble", 16),
        ]
        for (names, size) in storages {
            let words = names.split(separator: " ").map { "\($0)Storage" }.joined(separator: " ")
            add(["torch", "torch.cuda"], words, .storage(itemSize: size))
        }
        add(
            ["torch.storage", "torch"], "UntypedStorage _UntypedStorage TypedStorage _TypedStorage",
            .storage(itemSize: 1))
    }
}
