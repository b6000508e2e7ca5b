import Digests
import Federation
import PostLog

/// One side of a reconciliation, told what to do line by line.
struct Harness {
    struct BadLine: Error, CustomStringConvertible {
        let description: String
    }

    private let frameLimit: Int
    private var records: [ReconciliationRecord] = []
    private var negentropy: Negentropy<ReconciliationIndex>?
    private var isInitiator = false

    init(frameLimit: Int) {
        self.frameLimit = frameLimit
    }

    /// The lines that answer one line.
    mutating func answer(_ line: String) throws -> [String] {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false)
        switch fields[0] {
        case "item":
            guard fields.count == 3, let created = UInt64(fields[1]),
                let id = Hex.decode(String(fields[2])).flatMap({ Hash32($0) })
            else { throw BadLine(description: "an item is item,CREATED,ID: \(line)") }
            records.append(ReconciliationRecord(created: created, id: id))
            return []
        case "seal":
            // Like the reference, nothing is limited here but the frames that are written.
            negentropy = try Negentropy(
                ReconciliationIndex(records.sorted()), frameLimit: frameLimit, messageLimit: .max, rangeLimit: .max)
            records = []
            return []
        case "initiate":
            isInitiator = true
            return ["msg,\(Hex.encode(try sealed().initiate()))"]
        case "msg":
            guard let message = Hex.decode(fields.count > 1 ? String(fields[1]) : "") else {
                throw BadLine(description: "a message is msg,HEX")
            }
            return try isInitiator ? advance(message) : ["msg,\(Hex.encode(try sealed().respond(to: message)))"]
        default:
            throw BadLine(description: "unknown command: \(fields[0])")
        }
    }

    private func advance(_ message: [UInt8]) throws -> [String] {
        let step = try sealed().advance(message)
        let news = step.have.map { "have,\($0.hex)" } + step.need.map { "need,\($0.hex)" }
        return news + [step.message.map { "msg,\(Hex.encode($0))" } ?? "done"]
    }

    private func sealed() throws -> Negentropy<ReconciliationIndex> {
        guard let negentropy else { throw BadLine(description: "seal comes first") }
        return negentropy
    }
}
