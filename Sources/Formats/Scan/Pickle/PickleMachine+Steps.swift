import WaggleProtocol

extension PickleMachine {
    /// Executes one opcode. False after `STOP`.
    @inline(__always)
    mutating func step() throws(Stop) -> Bool {
        opcodeOffset = cursor.offset
        let opcode = try byte()
        switch opcode {
        // Numbers and constants.
        case UInt8(ascii: "K"): try push(PickleCell(.integer, try little(1)))
        case UInt8(ascii: "M"): try push(PickleCell(.integer, try little(2)))
        case UInt8(ascii: "J"):
            let value = try little(4)
            try push(value < 1 << 31 ? PickleCell(.integer, value) : PickleCell(.plain))
        case UInt8(ascii: "G"):
            try skip(8)
            try push(PickleCell(.plain))
        case UInt8(ascii: "N"), 0x88, 0x89: try push(PickleCell(.plain))
        case 0x8a: try longNumber(try little(1))
        case 0x8b:
            let count = try little(4)
            guard count < 1 << 31 else { throw .malformed(.badOpcode, "a number of negative length") }
            try longNumber(count)
        // Texts and bytes.
        case 0x8c:
            try skip(try little(1))
            try pushText()
        case UInt8(ascii: "X"):
            try skip(try little(4))
            try pushText()
        case 0x8d:
            try skip(try little(8))
            try pushText()
        case UInt8(ascii: "U"):
            try skip(try little(1))
            try pushText()
        case UInt8(ascii: "T"):
            let count = try little(4)
            guard count < 1 << 31 else { throw .malformed(.badOpcode, "a text of negative length") }
            try skip(count)
            try pushText()
        case UInt8(ascii: "C"): try pushBytes(try little(1))
        case UInt8(ascii: "B"): try pushBytes(try little(4))
        case 0x8e, 0x96: try pushBytes(try little(8))
        // Containers.
        case UInt8(ascii: "("): try mark()
        case UInt8(ascii: ")"):
            try push(PickleCell(.tuple, UInt64(tuples.count) << 8))
        case 0x85: try smallTuple(1)
        case 0x86: try smallTuple(2)
        case 0x87: try smallTuple(3)
        case UInt8(ascii: "t"): try makeTuple(from: try popMark())
        case UInt8(ascii: "]"): try push(PickleCell(.list))
        case UInt8(ascii: "}"): try push(PickleCell(.dictionary))
        case 0x8f: try push(PickleCell(.set))
        case UInt8(ascii: "l"): try gather(.list)
        case UInt8(ascii: "d"): try gather(.dictionary)
        case 0x91: try gather(.set)
        case UInt8(ascii: "a"):
            _ = try pop()
            try fill(.list, "append")
        case UInt8(ascii: "e"):
            stack.removeSubrange(try popMark()...)
            try fill(.list, "extend")
        case UInt8(ascii: "s"):
            _ = try pop()
            _ = try pop()
            try fill(.dictionary, "__setitem__")
        case UInt8(ascii: "u"):
            let start = try popMark()
            guard (stack.count - start).isMultiple(of: 2) else {
                throw .malformed(.badOpcode, "a key without a value")
            }
            stack.removeSubrange(start...)
            try fill(.dictionary, "__setitem__")
        case 0x90:
            stack.removeSubrange(try popMark()...)
            try fill(.set, "add")
        // The stack.
        case UInt8(ascii: "0"): try popAny()
        case UInt8(ascii: "1"): stack.removeSubrange(try popMark()...)
        case UInt8(ascii: "2"): try push(try top())
        // The memo.
        case UInt8(ascii: "q"): try put(try little(1))
        case UInt8(ascii: "r"): try put(try little(4))
        case 0x94: try memoize()
        case UInt8(ascii: "h"): try get(try little(1))
        case UInt8(ascii: "j"): try get(try little(4))
        // The stream.
        case 0x80:
            let version = try byte()
            guard version <= 5 else { throw .malformed(.badOpcode, "pickle protocol \(version)") }
        case 0x95:
            let count = try little(8)
            guard count <= cursor.left else {
                throw .malformed(.truncated, "a frame of \(count) bytes, \(cursor.left) are there")
            }
        case UInt8(ascii: "."):
            _ = try pop()
            return false
        default: try rareStep(opcode)
        }
        return true
    }

    /// Whatever asks for names and calls them, and protocol 0.
    @inline(never)
    private mutating func rareStep(_ opcode: UInt8) throws(Stop) {
        guard hiddenFindings < Limits.Scan.pickleRefusals else {
            throw .malformed(.limit, "so much in it is refused that the rest is not looked at")
        }
        switch opcode {
        case UInt8(ascii: "c"):
            let module = try line()
            try push(try global(module: module, name: try line()))
        case 0x93:
            let name = try pop()
            try pushGlobal(module: try pop(), name: name)
        case UInt8(ascii: "R"):
            let arguments = try pop()
            try call(try pop(), arguments, "REDUCE")
        case 0x81:
            let arguments = try pop()
            try call(try pop(), arguments, "NEWOBJ")
        case 0x92:
            let named = try pop()
            if named.kind != .dictionary { danger(.badArguments, "NEWOBJ_EX without a dictionary") }
            let arguments = try pop()
            try call(try pop(), arguments, "NEWOBJ_EX")
        case UInt8(ascii: "i"):
            let module = try line()
            let callee = try global(module: module, name: try line())
            try makeTuple(from: try popMark())
            try call(callee, try pop(), "INST")
        case UInt8(ascii: "o"):
            let start = try popMark()
            guard stack.count > start else { throw .malformed(.stackUnderflow, "OBJ without a class") }
            try makeTuple(from: start + 1)
            let arguments = stack.removeLast()
            try call(stack.removeLast(), arguments, "OBJ")
        case UInt8(ascii: "b"): try build()
        case UInt8(ascii: "Q"): try persistent(try pop())
        case UInt8(ascii: "P"):
            let id = try line()
            danger(.persistentID, "a persistent id of text: \(String.shown(id))")
            try push(PickleCell(.unknown))
        case 0x82, 0x83, 0x84:
            let code = try little([0x82: 1, 0x83: 2, 0x84: 4][opcode] ?? 1)
            danger(.extensionCode, "extension code \(code) stands for a name that only the reader knows")
            try push(PickleCell(.unknown))
        case 0x97: throw .malformed(.badOpcode, "a buffer that lies outside the file")
        case 0x98: _ = try top()
        case UInt8(ascii: "I"), UInt8(ascii: "L"): try numberLine(isLong: opcode == UInt8(ascii: "L"))
        case UInt8(ascii: "F"):
            let line = try line()
            guard !line.isEmpty, line.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                throw .malformed(.badOpcode, "a number that is none: \(String.shown(line))")
            }
            try push(PickleCell(.plain))
        case UInt8(ascii: "S"):
            let line = try line()
            guard line.count >= 2, line.first == line.last,
                line[0] == UInt8(ascii: "'") || line[0] == UInt8(ascii: "\"")
            else { throw .malformed(.badOpcode, "a text without quotes") }
            try pushText()
        case UInt8(ascii: "V"):
            _ = try line()
            try pushText()
        case UInt8(ascii: "p"): try put(try index(try line()))
        case UInt8(ascii: "g"): try get(try index(try line()))
        default:
            throw .malformed(.badOpcode, "there is no opcode 0x\(String(opcode, radix: 16))")
        }
    }

    private mutating func longNumber(_ count: UInt64) throws(Stop) {
        guard count <= 7, count > 0 else {
            try skip(count)
            return try push(PickleCell(.plain))
        }
        let value = try little(Int(count))
        let isNegative = value >> (8 * count - 1) & 1 == 1
        try push(isNegative ? PickleCell(.plain) : PickleCell(.integer, value))
    }

    private mutating func pushBytes(_ count: UInt64) throws(Stop) {
        try skip(count)
        try push(PickleCell(.bytes))
    }

    private mutating func smallTuple(_ count: Int) throws(Stop) {
        guard stack.count - count >= fence else { throw .malformed(.stackUnderflow, "a tuple of what is not there") }
        try makeTuple(from: stack.count - count)
    }

    private mutating func gather(_ kind: PickleCell.Kind) throws(Stop) {
        stack.removeSubrange(try popMark()...)
        try push(PickleCell(kind))
    }

    private mutating func numberLine(isLong: Bool) throws(Stop) {
        var line = try line()
        if isLong, line.last == UInt8(ascii: "L") { line.removeLast() }
        let digits = line.first == UInt8(ascii: "-") ? line.dropFirst() : line[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else {
            throw .malformed(.badOpcode, "a number that is none: \(String.shown(line))")
        }
        let value = UInt64(String(decoding: line, as: UTF8.self)).flatMap { $0 < 1 << 55 ? $0 : nil }
        try push(value.map { PickleCell(.integer, $0) } ?? PickleCell(.plain))
    }

    private func index(_ line: [UInt8]) throws(Stop) -> UInt64 {
        guard line.allSatisfy({ (0x30...0x39).contains($0) }), let index = UInt64(String(decoding: line, as: UTF8.self))
        else { throw .malformed(.badMemo, "a memo entry that is no number: \(String.shown(line))") }
        return index
    }
}
