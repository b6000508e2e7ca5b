import WaggleProtocol

/// Looks through pickles, one after another to the end of the bytes.
struct PickleScan {
    var findings: [ScanFinding] = []
    /// Of all streams.
    var storages: [TorchStorage] = []
    /// Streams that reached `STOP`.
    var streams = 0
    /// Whether something that is not allowed was called before the walk ended.
    var callsRefused = false
    var asksForRefused = false
    /// Where the walk ended.
    var end: UInt64 = 0
    /// Texts of the last stream.
    var texts: [String] = []
    var isBroken = false

    /// One stream.
    /// - Returns: whether it reached `STOP`.
    mutating func stream(
        _ source: any ByteSource, at offset: UInt64, entry: String, persistence: PickleMachine.Persistence,
        collectsTexts: Bool = false
    ) throws(ByteSourceError) -> Bool {
        var machine = PickleMachine(
            source, at: offset, entry: entry, persistence: persistence, collectsTexts: collectsTexts)
        var failure: ScanFinding?
        do { try machine.run() } catch {
            switch error {
            case .source(let error): throw error
            case .malformed(let code, let detail):
                failure = ScanFinding(code, .malformed, entry: entry, at: machine.opcodeOffset, detail)
            }
        }
        // What was found stands, even when the stream breaks after it.
        findings += machine.report
        storages += machine.storages
        callsRefused = callsRefused || machine.refusedCalls > 0
        asksForRefused = asksForRefused || machine.refusedGlobals > 0
        end = machine.cursor.offset
        if let failure {
            isBroken = true
            findings.append(failure)
            return false
        }
        streams += 1
        if collectsTexts {
            texts = []
            for place in machine.texts ?? [] {
                guard let text = try? machine.text(at: place) else { continue }
                texts.append(String(decoding: text, as: UTF8.self))
            }
        }
        return true
    }

    /// All streams of bytes that are pickles and nothing else.
    init(_ source: any ByteSource, entry: String, persistence: PickleMachine.Persistence) throws(ByteSourceError) {
        while end < source.size {
            guard streams < Limits.Scan.pickles else {
                findings.append(
                    ScanFinding(.limit, .malformed, entry: entry, at: end, "more than \(Limits.Scan.pickles) pickles"))
                isBroken = true
                return
            }
            let start = end
            let before = findings.count
            guard try stream(source, at: start, entry: entry, persistence: persistence) else {
                // After the first `STOP` anything may follow; what is no pickle is said to be just that.
                if streams > 0, let last = findings.last {
                    let isSilent = findings.count == before + 1
                    findings[findings.count - 1] = ScanFinding(
                        .trailingBytes, .malformed, entry: entry, at: start,
                        isSilent
                            ? "\(source.size - start) bytes after the pickle that are none"
                            : "a broken pickle: \(last.detail)")
                }
                return
            }
        }
        if source.size == 0 {
            findings.append(ScanFinding(.truncated, .malformed, entry: entry, "there is nothing in it"))
        }
    }

    init() {}

    /// Whether bytes of no known form are a pickle without a mark: one that is whole, or that calls what it may not.
    /// - Returns: nil for anything else.
    static func unmarked(_ source: any ByteSource, entry: String) throws(ByteSourceError) -> PickleScan? {
        var scan = PickleScan()
        let isWhole = try scan.stream(source, at: 0, entry: entry, persistence: .nobody)
        if scan.callsRefused { return isWhole ? try PickleScan(source, entry: entry, persistence: .nobody) : scan }
        guard isWhole else { return nil }
        // A text of one character and a dot is no pickle worth the name; one that asks for something is.
        if scan.asksForRefused || scan.end == source.size {
            return try PickleScan(source, entry: entry, persistence: .nobody)
        }
        return nil
    }
}
