import WaggleProtocol

/// Executes a pickle's opcodes on values that are nothing but what they are: a real stack, marks and memo, no objects, and
/// nothing imported or called. What a pickler's own machine would do at each step is known, so no name can be hidden
/// behind the memo, a mark or a computed text.
///
/// Protocols 0 to 5; the opcodes are those of CPython's `pickletools`. Where CPython's two machines differ, or where a
/// form is one that no pickler writes, the stream counts as malformed, which is not safe.
struct PickleMachine {
    /// Why the walk cannot go on.
    enum Stop: Error, Hashable {
        case source(ByteSourceError)
        case malformed(ScanFinding.Code, String)
    }

    /// Who answers persistent ids.
    enum Persistence: Hashable {
        case nobody
        /// `torch.load`: tuples that name storages.
        case torch
    }

    struct Global {
        let module: [UInt8]
        let name: [UInt8]
        let rule: PickleRule?
    }

    var cursor: SourceCursor
    let entry: String
    let persistence: Persistence

    var stack: [PickleCell] = []
    var marks: [Int] = []
    /// Below the last mark nothing can be reached.
    var fence = 0
    private var memo: [PickleCell] = []
    /// Entries that were put, which is where `MEMOIZE` puts the next one.
    private var memoCount = 0
    var tuples: [PickleCell] = []
    var globals: [Global] = []
    private var globalNumbers: [[UInt8]: Int] = [:]
    var storages: [TorchStorage] = []
    var report: [ScanFinding] = []
    private(set) var hiddenFindings = 0
    /// Names that were asked for without being allowed, and how often something not allowed was called.
    private(set) var refusedGlobals = 0
    private(set) var refusedCalls = 0
    /// Where the opcode that is executed begins.
    var opcodeOffset: UInt64 = 0
    /// Texts in their order, where somebody wants them.
    private(set) var texts: [UInt64]?
    let streamStart: UInt64

    init(
        _ source: any ByteSource, at offset: UInt64 = 0, entry: String, persistence: Persistence,
        collectsTexts: Bool = false
    ) {
        cursor = SourceCursor(source, at: offset)
        self.entry = entry
        self.persistence = persistence
        texts = collectsTexts ? [] : nil
        streamStart = offset
    }

    /// Executes until `STOP`.
    mutating func run() throws(Stop) {
        while try step() {}
    }

    mutating func danger(_ code: ScanFinding.Code, _ detail: String) {
        switch code {
        case .globalNotAllowed, .computedGlobal, .extensionCode: refusedGlobals += 1
        case .callNotAllowed, .badArguments, .buildOnCallable: refusedCalls += 1
        default: break
        }
        guard report.count < Limits.Scan.findings else {
            hiddenFindings += 1
            return
        }
        report.append(ScanFinding(code, .danger, entry: entry, at: opcodeOffset, detail))
    }

    // MARK: Bytes

    @inline(__always)
    mutating func byte() throws(Stop) -> UInt8 {
        let next: UInt8?
        do { next = try cursor.byte() } catch { throw .source(error) }
        guard let next else { throw .malformed(.truncated, "it ends before its end") }
        return next
    }

    @inline(__always)
    mutating func little(_ count: Int) throws(Stop) -> UInt64 {
        let value: UInt64?
        do { value = try cursor.little(count) } catch { throw .source(error) }
        guard let value else { throw .malformed(.truncated, "it ends in a number") }
        return value
    }

    @inline(__always)
    mutating func skip(_ count: UInt64) throws(Stop) {
        let isThere: Bool
        do { isThere = try cursor.skip(count) } catch { throw .source(error) }
        guard isThere else {
            throw .malformed(.truncated, "\(count) bytes are promised at \(opcodeOffset), \(cursor.left) are there")
        }
    }

    /// A line without its end.
    mutating func line() throws(Stop) -> [UInt8] {
        var line: [UInt8] = []
        while true {
            let next = try byte()
            if next == UInt8(ascii: "\n") { return line }
            guard line.count < Limits.Scan.pickleLineBytes else { throw .malformed(.limit, "a line without an end") }
            line.append(next)
        }
    }

    // MARK: The stack

    @inline(__always)
    mutating func push(_ cell: PickleCell) throws(Stop) {
        guard stack.count < Limits.Scan.pickleStack else { throw .malformed(.limit, "the stack is too high") }
        stack.append(cell)
    }

    @inline(__always)
    mutating func pop() throws(Stop) -> PickleCell {
        guard stack.count > fence else { throw .malformed(.stackUnderflow, "a value is taken where none is") }
        return stack.removeLast()
    }

    @inline(__always)
    func top() throws(Stop) -> PickleCell {
        guard stack.count > fence else { throw .malformed(.stackUnderflow, "a value is wanted where none is") }
        return stack[stack.count - 1]
    }

    mutating func mark() throws(Stop) {
        guard marks.count < Limits.Scan.pickleMarks else { throw .malformed(.limit, "too many marks at once") }
        marks.append(stack.count)
        fence = stack.count
    }

    /// Takes the last mark away; what lies above begins there.
    mutating func popMark() throws(Stop) -> Int {
        guard let start = marks.popLast() else { throw .malformed(.stackUnderflow, "there is no mark") }
        fence = marks.last ?? 0
        return start
    }

    /// `POP`: a mark is taken where nothing lies above it.
    mutating func popAny() throws(Stop) {
        if stack.count == fence, !marks.isEmpty {
            _ = try popMark()
        } else {
            _ = try pop()
        }
    }

    // MARK: The memo

    mutating func put(_ index: UInt64) throws(Stop) {
        let cell = try top()
        // An index is given for a value, and each value takes a byte at least. CPython makes room for all below it.
        guard index <= cursor.offset - streamStart + 1024 else {
            danger(
                .memoBomb, "memo entry \(index) of a stream of \(cursor.offset - streamStart) bytes takes all memory")
            throw .malformed(.badMemo, "memo entry \(index) is out of all proportion")
        }
        guard index < UInt64(Limits.Scan.pickleMemo) else { throw .malformed(.limit, "the memo is too large") }
        let place = Int(index)
        if place >= memo.count {
            if place > memo.count {
                memo.append(contentsOf: repeatElement(PickleCell(.none), count: place - memo.count))
            }
            memo.append(cell)
            memoCount += 1
        } else {
            if memo[place].kind == .none { memoCount += 1 }
            memo[place] = cell
        }
    }

    mutating func memoize() throws(Stop) { try put(UInt64(memoCount)) }

    mutating func get(_ index: UInt64) throws(Stop) {
        guard index < UInt64(memo.count), memo[Int(index)].kind != .none else {
            throw .malformed(.badMemo, "memo entry \(index) was never put")
        }
        try push(memo[Int(index)])
    }

    // MARK: Values

    mutating func pushText() throws(Stop) {
        texts?.append(opcodeOffset)
        try push(PickleCell(.text, opcodeOffset))
    }

    /// A tuple of the values from `start` on.
    mutating func makeTuple(from start: Int) throws(Stop) {
        let count = stack.count - start
        let cell: PickleCell
        if count <= 16, tuples.count + count < Limits.Scan.pickleTupleValues {
            cell = PickleCell(.tuple, UInt64(tuples.count) << 8 | UInt64(count))
            tuples.append(contentsOf: stack[start...])
        } else {
            cell = PickleCell(.opaqueTuple)
        }
        stack.removeSubrange(start...)
        try push(cell)
    }

    /// The values of a tuple; nil when it is none, or one that was not kept.
    func values(_ cell: PickleCell) -> ArraySlice<PickleCell>? {
        guard cell.kind == .tuple else { return nil }
        let start = Int(cell.payload >> 8)
        return tuples[start..<start + Int(cell.payload & 0xff)]
    }

    /// The bytes of a constant text, as they stand in the stream; nil where that is no text or a long one.
    func text(_ cell: PickleCell) throws(Stop) -> [UInt8]? {
        guard cell.kind == .text else { return nil }
        return try text(at: cell.payload)
    }

    func text(at place: UInt64) throws(Stop) -> [UInt8]? {
        var reader = SourceCursor(cursor.source, at: place)
        do {
            guard let opcode = try reader.byte() else { return nil }
            let count: UInt64?
            switch opcode {
            case UInt8(ascii: "U"), 0x8c: count = try reader.little(1)
            case UInt8(ascii: "T"), UInt8(ascii: "X"): count = try reader.little(4)
            case 0x8d: count = try reader.little(8)
            default:
                var line: [UInt8] = []
                while let next = try reader.byte(), next != UInt8(ascii: "\n") {
                    guard line.count < Limits.Scan.pickleNameBytes + 2 else { return nil }
                    line.append(next)
                }
                // `STRING` is quoted.
                return opcode == UInt8(ascii: "S") ? Array(line.dropFirst().dropLast()) : line
            }
            guard let count, count <= UInt64(Limits.Scan.pickleNameBytes) else { return nil }
            return try reader.take(Int(count))
        } catch {
            throw .source(error)
        }
    }

    // MARK: Names

    /// Asks for a name, and says so when it is not allowed.
    mutating func global(module: [UInt8], name: [UInt8]) throws(Stop) -> PickleCell {
        guard module.count <= Limits.Scan.pickleNameBytes, name.count <= Limits.Scan.pickleNameBytes else {
            danger(.globalNotAllowed, "a name of \(module.count + name.count) bytes")
            return PickleCell(.unknown)
        }
        let key = module + [UInt8(ascii: "\n")] + name
        if let number = globalNumbers[key] { return PickleCell(.global, UInt64(number)) }
        guard globals.count < Limits.Scan.pickleGlobals else {
            danger(.globalNotAllowed, "more than \(Limits.Scan.pickleGlobals) names")
            return PickleCell(.unknown)
        }
        let rule = PickleGlobals.rule(
            module: String(decoding: module, as: UTF8.self), name: String(decoding: name, as: UTF8.self))
        if rule == nil {
            danger(.globalNotAllowed, "it asks for \(String.shown(module + [UInt8(ascii: ".")] + name))")
        }
        globals.append(Global(module: module, name: name, rule: rule))
        globalNumbers[key] = globals.count - 1
        return PickleCell(.global, UInt64(globals.count - 1))
    }

    func global(_ cell: PickleCell) -> Global? {
        cell.kind == .global ? globals[Int(cell.payload)] : nil
    }

    func shownName(_ cell: PickleCell) -> String {
        switch cell.kind {
        case .global, .object:
            let global = globals[Int(cell.payload)]
            return String.shown(global.module + [UInt8(ascii: ".")] + global.name)
        default: return "a value that is no constant name"
        }
    }
}
