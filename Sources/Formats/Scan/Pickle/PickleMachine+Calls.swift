import WaggleProtocol

extension PickleMachine {
    /// `STACK_GLOBAL`: only two constant texts make a name.
    mutating func pushGlobal(module: PickleCell, name: PickleCell) throws(Stop) {
        guard let module = try text(module), let name = try text(name) else {
            danger(.computedGlobal, "it asks for a name that is computed, or too long to be one")
            return try push(PickleCell(.unknown))
        }
        try push(try global(module: module, name: name))
    }

    /// What `REDUCE`, `NEWOBJ`, `INST` and `OBJ` do: calls something, if that is allowed.
    mutating func call(_ callee: PickleCell, _ arguments: PickleCell, _ opcode: String) throws(Stop) {
        guard arguments.kind == .tuple || arguments.kind == .opaqueTuple || arguments.kind == .unknown else {
            danger(.badArguments, "\(opcode) calls \(shownName(callee)) with what is no tuple")
            return try push(PickleCell(.unknown))
        }
        guard callee.kind == .global else {
            danger(.callNotAllowed, "\(opcode) calls \(shownName(callee))")
            return try push(PickleCell(.unknown))
        }
        // A name that is not allowed was reported when it was asked for; the call is what makes it run.
        guard let rule = global(callee)?.rule else {
            danger(.callNotAllowed, "\(opcode) calls \(shownName(callee))")
            return try push(PickleCell(.unknown))
        }
        if case .reference = rule {
            danger(.callNotAllowed, "\(opcode) calls \(shownName(callee)), which is only named in good files")
            return try push(PickleCell(.unknown))
        }
        if case .storage = rule {
            danger(.callNotAllowed, "\(opcode) calls \(shownName(callee)), which is only named in good files")
            return try push(PickleCell(.unknown))
        }
        let values = self.values(arguments)
        guard try areAllowed(values, for: rule) else {
            danger(.badArguments, "\(opcode) calls \(shownName(callee)) with arguments that good files do not have")
            return try push(PickleCell(.unknown))
        }
        if case .encode = rule { return try push(PickleCell(.bytes)) }
        if case .reconstructor = rule, let values, let made = values.first {
            return try push(PickleCell(.object, made.payload))
        }
        try push(PickleCell(.object, callee.payload))
    }

    private func areAllowed(_ values: ArraySlice<PickleCell>?, for rule: PickleRule) throws(Stop) -> Bool {
        let first = values?.first
        switch rule {
        case .reference, .storage: return false
        case .call, .callAndBuild: return true
        case .collection:
            guard let values else { return false }
            return values.allSatisfy {
                [.list, .dictionary, .set, .tuple, .opaqueTuple, .plain, .integer, .text].contains($0.kind)
            }
        case .byteArray:
            guard let values else { return false }
            return first.map { $0.kind == .text || $0.kind == .bytes || $0.kind == .list } ?? true && values.count <= 2
        case .encode:
            guard let values, values.count == 2, let first, first.kind == .text, let last = values.last,
                let codec = try text(last)
            else { return false }
            return codec.elementsEqual("latin1".utf8) || codec.elementsEqual("latin-1".utf8)
        case .reconstructArray:
            guard let values, values.count == 3, isGlobal(first, "numpy", ["ndarray"]) else { return false }
            // The shape is empty; the real one comes with the bytes.
            let shape = self.values(values[values.startIndex + 1])
            return shape?.allSatisfy { $0 == PickleCell(.integer, 0) } ?? false
        case .reconstructor:
            guard let values, values.count == 3, let first, let made = global(first)?.rule else { return false }
            switch made {
            case .callAndBuild, .call, .collection: break
            default: return false
            }
            let base = values[values.startIndex + 1]
            return isGlobal(base, "builtins", Self.bases) || isGlobal(base, "__builtin__", Self.bases)
        case .rebuildFromType:
            guard let values, values.count == 4, let first, let rebuilt = global(first),
                case .callAndBuild = rebuilt.rule,
                rebuilt.module.elementsEqual("torch._utils".utf8)
            else { return false }
            let type = values[values.startIndex + 1]
            return isGlobal(type, "torch", ["Tensor"]) || isGlobal(type, "torch.nn.parameter", ["Parameter", "Buffer"])
        case .defaultDictionary:
            guard let values, values.count <= 2, let first else { return values?.isEmpty ?? false }
            return first.kind == .plain || isGlobal(first, "builtins", Self.factories)
                || isGlobal(first, "__builtin__", Self.factories)
        }
    }

    private static let bases: Set<String> = ["object", "dict", "list", "set", "str"]
    private static let factories: Set<String> = ["list", "dict", "int", "float", "str", "bool", "set", "tuple"]

    private func isGlobal(_ cell: PickleCell?, _ module: String, _ names: Set<String>) -> Bool {
        guard let cell, let global = global(cell) else { return false }
        return global.module.elementsEqual(module.utf8) && names.contains(String(decoding: global.name, as: UTF8.self))
    }

    /// `BUILD`: gives what a call made its state.
    mutating func build() throws(Stop) {
        let state = try pop()
        let built = try top()
        switch built.kind {
        case .object:
            guard let rule = globals[Int(built.payload)].rule else { return }
            switch rule {
            case .reconstructArray: return
            case .callAndBuild:
                let name = globals[Int(built.payload)]
                // Attributes in a dictionary are data; those beside it are set one by one, `__class__` too.
                let isPlain =
                    name.module.starts(with: "collections".utf8) || name.module.starts(with: "argparse".utf8)
                    || name.name.elementsEqual("AttributeDict".utf8)
                if isPlain, state.kind != .dictionary, state.kind != .object {
                    danger(.badArguments, "BUILD gives \(shownName(built)) attributes that are no dictionary")
                }
            default: danger(.buildOnCallable, "BUILD on \(shownName(built)), which has no state in good files")
            }
        case .global: danger(.buildOnCallable, "BUILD changes \(shownName(built)) itself")
        case .unknown, .storage:
            // Whatever it is was refused already, or is a storage, which has no state.
            if built.kind == .storage { danger(.buildOnCallable, "BUILD on a storage") }
        default: throw .malformed(.badOpcode, "BUILD on a value that has no state")
        }
    }

    /// `APPENDS`, `SETITEMS`, `ADDITEMS`: the container below what was taken is filled by its own method.
    @inline(__always)
    mutating func fill(_ kind: PickleCell.Kind, _ method: @autoclosure () -> String) throws(Stop) {
        let target = try top()
        if target.kind == kind { return }
        try fillOther(target, method())
    }

    @inline(never)
    private mutating func fillOther(_ target: PickleCell, _ method: String) throws(Stop) {
        switch target.kind {
        case .object, .unknown: return
        case .global: danger(.callNotAllowed, "\(method) of \(shownName(target)) itself is called")
        case .list, .dictionary, .set: throw .malformed(.badOpcode, "\(method) of another kind of container")
        default: throw .malformed(.badOpcode, "\(method) of what is no container")
        }
    }

    /// `BINPERSID`: good files name the storages of a checkpoint so, and nothing else.
    mutating func persistent(_ id: PickleCell) throws(Stop) {
        guard persistence == .torch else {
            danger(.persistentID, "a persistent id where no program that is known here answers it")
            return try push(PickleCell(.unknown))
        }
        guard let storage = try storage(id) else {
            danger(.persistentID, "a persistent id that names no storage")
            return try push(PickleCell(.unknown))
        }
        guard storages.count < Limits.Scan.storages else { throw .malformed(.limit, "too many storages") }
        storages.append(storage)
        try push(PickleCell(.storage))
    }

    /// `("storage", class, key, location, elements)`, and in old files a sixth value that is None.
    private func storage(_ id: PickleCell) throws(Stop) -> TorchStorage? {
        guard let values = values(id).map(Array.init), values.count == 5 || values.count == 6,
            try text(values[0])?.elementsEqual("storage".utf8) == true,
            case .storage(let itemSize)? = global(values[1])?.rule,
            let key = try text(values[2]), let location = try text(values[3]), values[4].kind == .integer,
            !key.isEmpty, key.allSatisfy({ (0x30...0x39).contains($0) }), location.count <= 64
        else { return nil }
        if values.count == 6, values[5].kind != .plain {
            guard let view = self.values(values[5]).map(Array.init), view.count == 3, view[1].kind == .integer,
                view[2].kind == .integer
            else { return nil }
        }
        return TorchStorage(
            key: String(decoding: key, as: UTF8.self), itemSize: itemSize, elements: values[4].payload)
    }
}
