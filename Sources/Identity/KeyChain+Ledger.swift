public import Digests
import WaggleProtocol

extension KeyChain {
    /// The author's account in every currency: the first device key with the scope *ledger* that a document in force ever
    /// listed. It stays the account's name when other keys control it later.
    public var ledgerAccount: Hash32? {
        for version in inForce {
            for device in version.document.devices where device.scopes.contains(.ledger) {
                if let key = Hash32(field: device.key) { return key }
            }
        }
        return nil
    }
}

extension RecoverySecret {
    /// The first device key of a person. Being made from the words, it lets their owner sign for the account in currencies
    /// that it names for ever, wherever else its copies are.
    public var ledgerSeed: [UInt8] { derived(context: "wgl-buzz") }
}
