import Digests
import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

extension OrderOperation {
    /// Reads an operation from its field of an order whose shape was checked; throws where an amount, a name or a sum is out
    /// of its range.
    init(_ field: CheckedFields.Field) throws(MalformedMessage) {
        let bytes = field.bytes
        switch field.number {
        case 4: self = .transfer(try readOutputs(bytes, in: 1))
        case 5:
            let body = OperationBody(bytes)
            self = .grant(epoch: try body.epoch(1), try readOutputs(bytes, in: 2))
        case 6: self = .burn(try OperationBody(bytes).amount(1))
        case 7:
            let body = OperationBody(bytes)
            self = .hold(
                amount: try body.amount(1), resolver: try body.name(2, "resolver"), payees: try body.names(3),
                expiry: try body.epoch(4))
        case 8: self = .rotate(try OperationBody(bytes).name(1, "key"))
        case 9:
            let body = OperationBody(bytes)
            self = .freeze(try body.name(1, "account"), until: try body.epoch(2))
        case 10:
            let body = OperationBody(bytes)
            self = .clawback(to: try body.name(1, "account"), amount: try body.amount(2))
        case 11: self = .resolve(bytes.isEmpty ? [] : try readOutputs(bytes, in: 1))
        case 12: self = .expire
        case 13: self = .default
        default: throw MalformedMessage(what: "field \(field.number) is not known")
        }
    }

    var wire: WireOrder.OneOf_Op {
        switch self {
        case .transfer(let outputs): .transfer(.with { $0.outputs = outputs.map(\.wire) })
        case .grant(let epoch, let outputs):
            .grant(
                .with {
                    $0.epoch = UInt64(bitPattern: epoch)
                    $0.outputs = outputs.map(\.wire)
                })
        case .burn(let amount): .burn(.with { $0.amount = UInt64(bitPattern: amount) })
        case .hold(let amount, let resolver, let payees, let expiry):
            .holdOpen(
                .with {
                    $0.amount = UInt64(bitPattern: amount)
                    $0.resolverKey = resolver.data
                    $0.payees = payees.map(\.data)
                    $0.expiryEpoch = UInt64(bitPattern: expiry)
                })
        case .rotate(let key): .rotate(.with { $0.newKey = key.data })
        case .freeze(let account, let until):
            .freeze(
                .with {
                    $0.account = account.data
                    $0.untilEpoch = UInt64(bitPattern: until)
                })
        case .clawback(let account, let amount):
            .clawback(
                .with {
                    $0.to = account.data
                    $0.amount = UInt64(bitPattern: amount)
                })
        case .resolve(let outputs): .resolve(.with { $0.outputs = outputs.map(\.wire) })
        case .expire: .expire(.init())
        case .default: .dflt(.init())
        }
    }
}

extension Output {
    fileprivate var wire: WireOutput {
        .with {
            $0.account = account.data
            $0.amount = UInt64(bitPattern: amount)
        }
    }
}

extension [Output] {
    /// The sum; nil above 2⁶³ − 1, which no well-formed order has.
    var total: Int64? {
        var sum: Int64 = 0
        for output in self {
            let (next, isOver) = sum.addingReportingOverflow(output.amount)
            if isOver { return nil }
            sum = next
        }
        return sum
    }
}

/// The message of an operation, or of an output. What is not there is zero, or missing.
private struct OperationBody {
    private let bytes: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

    private func first(_ number: UInt64) throws(MalformedMessage) -> CheckedFields.Field? {
        var fields = CheckedFields(bytes)
        while let field = try fields.next() {
            if field.number == number { return field }
        }
        return nil
    }

    func amount(_ number: UInt64) throws(MalformedMessage) -> Int64 {
        let value = try first(number)?.value ?? 0
        guard value > 0, let amount = Int64(exactly: value) else {
            throw MalformedMessage(what: "an amount is not from 1 to 2^63 - 1")
        }
        return amount
    }

    func epoch(_ number: UInt64) throws(MalformedMessage) -> Int64 {
        let epoch = Int64(bitPattern: try first(number)?.value ?? 0)
        guard Limits.Ledger.orderEpochs.contains(epoch) else {
            throw MalformedMessage(what: "an epoch is not from -2^40 to 2^40")
        }
        return epoch
    }

    func name(_ number: UInt64, _ what: String) throws(MalformedMessage) -> Hash32 {
        guard let name = try first(number)?.name else { throw MalformedMessage(what: "the \(what) is missing") }
        return name
    }

    func names(_ number: UInt64) throws(MalformedMessage) -> [Hash32] {
        try messages(number).compactMap { $0.name }
    }

    /// A field that may stand several times.
    func messages(_ number: UInt64) throws(MalformedMessage) -> [CheckedFields.Field] {
        var (found, fields): ([CheckedFields.Field], CheckedFields) = ([], CheckedFields(bytes))
        while let field = try fields.next() {
            if field.number == number { found.append(field) }
        }
        return found
    }
}

private func readOutputs(_ bytes: ArraySlice<UInt8>, in number: UInt64) throws(MalformedMessage) -> [Output] {
    let messages = try OperationBody(bytes).messages(number)
    guard (1...Limits.Ledger.outputs).contains(messages.count) else {
        throw MalformedMessage(what: "an order has 1 to \(Limits.Ledger.outputs) outputs, not \(messages.count)")
    }
    var outputs: [Output] = []
    outputs.reserveCapacity(messages.count)
    for message in messages {
        let body = OperationBody(message.bytes)
        outputs.append(Output(account: try body.name(1, "account"), amount: try body.amount(2)))
    }
    guard outputs.total != nil else { throw MalformedMessage(what: "the amounts add up to more than 2^63 - 1") }
    return outputs
}
