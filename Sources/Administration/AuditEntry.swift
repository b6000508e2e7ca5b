public import Digests

/// One line of the audit log: what somebody did who may do more than others.
public struct AuditEntry: Sendable, Hashable, Codable {
    /// From 1, without gaps.
    public let seq: Int64
    /// Unix seconds.
    public let time: UInt64
    /// An account's handle; "operator" for the command line, "node" for the program itself.
    public let actor: String
    /// The name of the operation: "account role".
    public let action: String
    /// What it was done to: a handle, a setting, a node; empty for the node as a whole.
    public let subject: String
    /// What was asked for, and why; empty where the action says all.
    public let detail: String
    /// Of the line before; zeros for the first.
    public let previous: Hash32
    /// Of this line and, by `previous`, of all before it.
    public let hash: Hash32

    /// - Parameter previous: hash of the line before; nil for the first.
    public init(
        seq: Int64, time: UInt64, actor: String, action: String, subject: String, detail: String, previous: Hash32?
    ) {
        self.seq = seq
        self.time = time
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        self.previous = previous ?? .zero
        hash = Self.hash(
            seq: seq, time: time, texts: [actor, action, subject, detail], previous: previous ?? .zero)
    }

    /// As a table has it: the hash is what was written down, right or not.
    init(
        seq: Int64, time: UInt64, actor: String, action: String, subject: String, detail: String, previous: Hash32,
        hash: Hash32
    ) {
        self.seq = seq
        self.time = time
        self.actor = actor
        self.action = action
        self.subject = subject
        self.detail = detail
        self.previous = previous
        self.hash = hash
    }

    /// Whether the line says what its hash says, and follows the line before.
    ///
    /// - Parameter before: nil for the first line.
    public func follows(_ before: AuditEntry?) -> Bool {
        seq == (before?.seq ?? 0) + 1 && previous == before?.hash ?? .zero
            && hash == Self.hash(seq: seq, time: time, texts: [actor, action, subject, detail], previous: previous)
    }

    /// SHA-256 of the hash before, number and time (8 bytes each, big-endian), and each text with its length in bytes before
    /// it (4 bytes, big-endian), so that no two lines have the same bytes.
    private static func hash(seq: Int64, time: UInt64, texts: [String], previous: Hash32) -> Hash32 {
        var bytes = Array("waggle audit 1\0".utf8) + Array(previous.data)
        func append(_ number: some FixedWidthInteger) {
            withUnsafeBytes(of: number.bigEndian) { bytes.append(contentsOf: $0) }
        }
        append(seq)
        append(time)
        for text in texts {
            append(UInt32(clamping: text.utf8.count))
            bytes.append(contentsOf: Array(text.utf8))
        }
        return SHA256.hash(bytes)
    }
}
