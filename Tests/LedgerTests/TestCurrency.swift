import Digests
import Identity
import SwiftProtobuf
import Synchronization
import WaggleProtocol

@testable import Ledger

/// A currency for tests: names stand for keys.
struct TestCurrency {
    static let authorities = ["a0", "a1", "a2", "a3", "a4", "a5", "a6"]
    static let caps: [String: Int64] = ["G": 300, "MG": 200]
    static let perRecipient: Int64 = 120
    static let wardens = ["W1", "W2", "W3"]

    let charter: Charter

    init(f: Int = 0, ordersPerEpoch: UInt64 = 0) throws {
        var wire = WireCharter()
        wire.name = "Honey"
        wire.symbol = "HNY"
        wire.f = UInt32(f)
        wire.genesisUnix = 1
        wire.authorities = Self.authorities.prefix(3 * f + 1).map { name in
            .with {
                $0.key = Self.key(name).publicKey.data
                $0.peerID = name
                $0.url = "http://\(name)"
            }
        }
        wire.granters = Self.caps.sorted { $0.key < $1.key }.map { name, cap in
            .with {
                $0.account = Self.key(name).publicKey.data
                $0.capPerEpoch = UInt64(cap)
                $0.perRecipientPerEpoch = UInt64(Self.perRecipient)
            }
        }
        wire.wardens = Self.wardens.map { Self.key($0).publicKey.data }
        wire.wardenThreshold = 2
        wire.clawback = true
        wire.maxFreezeEpochs = 4
        wire.maxHoldEpochs = 6
        wire.holdGraceEpochs = 1
        wire.ordersPerEpoch = ordersPerEpoch
        charter = try Charter(bytes: wire.serializedBytes())
    }

    private static let keys = Mutex<[String: SigningKey]>([:])

    static func key(_ name: String) -> SigningKey {
        keys.withLock { keys in
            if let known = keys[name] { return known }
            let key = SigningKey(seed: SHA256.hash(Array(name.utf8)).bytes)!
            keys[name] = key
            return key
        }
    }

    static func id(_ name: String) -> AccountID { key(name).publicKey }

    func authority(_ name: String = "a0") -> Authority {
        Authority(charter, index: Self.authorities.firstIndex(of: name)!, key: Self.key(name))!
    }

    func order(
        _ account: String, _ seq: UInt64, _ operation: OrderOperation, by signers: [String]? = nil,
        newKey: String? = nil, reference: Hash32? = nil
    ) throws -> SignedOrder {
        SignedOrder(
            try Order(
                currency: charter.currency, slot: .account(Self.id(account), seq: seq), operation, reference: reference),
            signedBy: (signers ?? [account]).map(Self.key), newKey: newKey.map(Self.key))
    }

    func order(hold: Hash32, _ operation: OrderOperation, by signers: [String]) throws -> SignedOrder {
        SignedOrder(
            try Order(currency: charter.currency, slot: .hold(hold), operation), signedBy: signers.map(Self.key))
    }
}
