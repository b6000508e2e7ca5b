import Digests
import FoundationEssentials
import SwiftProtobuf
import WaggleProtocol

extension OrderOperation {
    /// Reads an operation; throws where an amount, a name or a sum is out of its range.
    init(_ wire: WireOrder.OneOf_Op) throws(MalformedMessage) {
        switch wire {
        case .transfer(let body): self = .transfer(try readOutputs(body.outputs))
        case .grant(let body): self = .grant(epoch: try readEpoch(body.epoch), try readOutputs(body.outputs))
        case .burn(let body): self = .burn(try readAmount(body.amount))
        case .holdOpen(let body):
            self = .hold(
                amount: try readAmount(body.amount), resolver: try readName(body.resolverKey, "resolver"),
                payees: try body.payees.map { bytes throws(MalformedMessage) in try readName(bytes, "payee") },
                expiry: try readEpoch(body.expiryEpoch))
        case .rotate(let body): self = .rotate(try readName(body.newKey, "key"))
        case .freeze(let body):
            self = .freeze(try readName(body.account, "account"), until: try readEpoch(body.untilEpoch))
        case .clawback(let body):
            self = .clawback(to: try readName(body.to, "account"), amount: try readAmount(body.amount))
        case .resolve(let body): self = .resolve(body.outputs.isEmpty ? [] : try readOutputs(body.outputs))
        case .expire: self = .expire
        case .dflt: self = .default
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

private func readAmount(_ value: UInt64) throws(MalformedMessage) -> Int64 {
    guard value > 0, let amount = Int64(exactly: value) else {
        throw MalformedMessage(what: "an amount is not from 1 to 2^63 - 1")
    }
    return amount
}

private func readEpoch(_ value: UInt64) throws(MalformedMessage) -> Int64 {
    let epoch = Int64(bitPattern: value)
    guard Limits.Ledger.orderEpochs.contains(epoch) else {
        throw MalformedMessage(what: "an epoch is not from -2^40 to 2^40")
    }
    return epoch
}

private func readName(_ bytes: Data, _ what: String) throws(MalformedMessage) -> Hash32 {
    guard let name = Hash32(bytes) else { throw MalformedMessage(what: "the \(what) is missing") }
    return name
}

private func readOutputs(_ wire: [WireOutput]) throws(MalformedMessage) -> [Output] {
    guard (1...Limits.Ledger.outputs).contains(wire.count) else {
        throw MalformedMessage(what: "an order has 1 to \(Limits.Ledger.outputs) outputs, not \(wire.count)")
    }
    let outputs = try wire.map { output throws(MalformedMessage) in
        Output(account: try readName(output.account, "account"), amount: try readAmount(output.amount))
    }
    guard outputs.total != nil else { throw MalformedMessage(what: "the amounts add up to more than 2^63 - 1") }
    return outputs
}
