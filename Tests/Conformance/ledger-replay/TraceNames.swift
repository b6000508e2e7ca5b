import Digests
import Foundation
import Identity
import Ledger
import SwiftProtobuf
import WaggleProtocol

/// The keys that a trace's names stand for (the seed is the SHA-256 of the name), and the orders that its values stand for.
final class TraceNames {
    let charter: Charter
    private var keys: [String: SigningKey] = [:]
    /// By the model's short name of the order.
    private var orders: [String: Order] = [:]
    private var values: [Hash32: String] = [:]
    private var signed: [String: SignedOrder] = [:]
    private let authorities: [String]

    init(charter line: TraceValue) throws {
        authorities = try line["authorities"].array.map { try $0.text }
        var wire = WireCharter()
        wire.name = "Trace"
        wire.symbol = "T"
        wire.f = UInt32(try line["f"].integer)
        wire.genesisUnix = 1
        wire.authorities = try authorities.map { name in
            try .with {
                $0.key = try Self.key(of: name).publicKey.data
                $0.peerID = name
                $0.url = "http://\(name)"
            }
        }
        let perRecipient = UInt64(try line["per_recipient"].integer)
        wire.granters = try line["granters"].object.sorted { $0.key < $1.key }.map { name, cap in
            try .with {
                $0.account = try Self.key(of: name).publicKey.data
                $0.capPerEpoch = UInt64(try cap.integer)
                $0.perRecipientPerEpoch = perRecipient
            }
        }
        wire.wardens = try line["wardens"].array.map { try Self.key(of: $0.text).publicKey.data }
        wire.wardenThreshold = UInt32(try line["warden_t"].integer)
        wire.clawback = true
        wire.maxFreezeEpochs = 4
        wire.maxHoldEpochs = UInt32(try line["max_hold"].integer)
        wire.holdGraceEpochs = UInt32(try line["grace"].integer)
        do {
            charter = try Charter(bytes: wire.serializedBytes())
        } catch {
            throw TraceError.unreadable("the charter: \(error)")
        }
    }

    private static func key(of name: String) throws -> SigningKey {
        guard let key = SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes) else {
            throw TraceError.unreadable("no key for \(name)")
        }
        return key
    }

    func key(_ name: TraceValue) throws -> SigningKey { try key(name.text) }

    func key(_ name: String) throws -> SigningKey {
        if let known = keys[name] { return known }
        let key = try Self.key(of: name)
        keys[name] = key
        return key
    }

    func account(_ name: TraceValue) throws -> AccountID { try key(name).publicKey }

    func authority(_ name: TraceValue) throws -> Int {
        guard let index = try authorities.firstIndex(of: name.text) else {
            throw TraceError.unreadable("there is no authority \(name.any)")
        }
        return index
    }

    /// The model's name of an order.
    func value(of order: Hash32) -> String { values[order] ?? "an order the trace does not name" }

    // MARK: Orders

    func slot(_ slot: TraceValue) throws -> Slot {
        if try slot[0].text == "A" {
            guard let seq = UInt64(exactly: try slot[2].integer) else {
                throw TraceError.unreadable("no place in a chain")
            }
            return .account(try account(slot[1]), seq: seq)
        }
        return .hold(try order(named: slot[1].text))
    }

    /// The id of an order that the trace has shown.
    func order(named name: String) throws -> Hash32 {
        guard let order = orders[name] else { throw TraceError.unreadable("the order \(name) was never shown") }
        return order.id
    }

    func signedOrder(_ order: TraceValue) throws -> SignedOrder {
        let name = try order["value"].text
        let signers = try order["signers"].array.map { try $0.text }
        let cacheKey = name + " " + signers.joined(separator: " ")
        if let known = signed[cacheKey] { return known }
        let operation = try operation(order["op"].text, order["body"])
        let made: Order
        do {
            made = try Order(
                currency: charter.currency, slot: slot(order["slot"]), operation.value, reference: operation.nonce)
        } catch let error as MalformedMessage {
            throw TraceError.unreadable("the order \(name) cannot be written: \(error.what)")
        }
        if let known = orders[name], known != made { throw TraceError.unreadable("\(name) names two orders") }
        orders[name] = made
        values[made.id] = name
        // The model leaves out that the new key of a rotation agrees.
        var newKey: SigningKey?
        if case .rotate = operation.value { newKey = try key(order["body"][0]) }
        let result = SignedOrder(made, signedBy: try signers.map { try key($0) }, newKey: newKey)
        signed[cacheKey] = result
        return result
    }

    private func operation(_ name: String, _ body: TraceValue) throws -> (value: OrderOperation, nonce: Hash32?) {
        switch name {
        case "XFER": return (.transfer(try outputs(body)), nil)
        case "GRANT": return (.grant(epoch: try body[0].integer, try outputs(body[1])), nil)
        case "BURN": return (.burn(try body[0].integer), nil)
        case "HOLD":
            let nonce = withUnsafeBytes(of: try body[4].bits) { SHA256.hash(Array($0)) }
            return (
                .hold(
                    amount: try body[0].integer, resolver: try account(body[1]),
                    payees: try body[2].array.map { try account($0) }, expiry: try body[3].integer), nonce
            )
        case "ROTATE": return (.rotate(try account(body[0])), nil)
        case "FREEZE": return (.freeze(try account(body[0]), until: try body[1].integer), nil)
        case "CLAWBACK": return (.clawback(to: try account(body[0]), amount: try body[1].integer), nil)
        case "RESOLVE": return (.resolve(try outputs(body)), nil)
        case "EXPIRE": return (.expire, nil)
        case "NOOP", "VOID": return (.default, nil)
        default: throw TraceError.unreadable("the operation \(name) is not known")
        }
    }

    private func outputs(_ list: TraceValue) throws -> [Output] {
        try list.array.map { Output(account: try account($0[0]), amount: try $0[1].integer) }
    }
}
