public import Digests
public import FoundationEssentials

/// How a node asks the authority of a currency, wherever that is. `Federation` is its client side over HTTP, `Gateway`
/// serves it; tests have one in memory.
///
/// Addresses are base URLs of nodes. Everything that comes back is signed and checked by whoever asked.
public protocol LedgerTransport: Sendable {
    /// The bytes of a charter; of the only one that the node decides in where none is named.
    func charter(_ currency: Hash32?, at url: String) async throws(LedgerError) -> Data
    /// One reply for each order.
    func submit(_ orders: [SignedOrder], at url: String) async throws(LedgerError) -> [AuthorityReply]
    /// One reply for each request to an authority.
    func ask(_ requests: [AuthorityRequest], in currency: Hash32, at url: String) async throws(LedgerError)
        -> [AuthorityReply]
    /// The newest checkpoints of the authorities whose logs a node reads.
    func checkpoints(_ currency: Hash32, at url: String) async throws(LedgerError) -> [String]
    /// What an authority kept of a slot, for blame: a certificate, and the statements that forced a value.
    func certificate(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String)
        async throws(LedgerError) -> QuorumCertificate
    func statements(_ slot: Hash32, round: UInt32, value: Hash32, in currency: Hash32, at url: String)
        async throws(LedgerError) -> [Statement]
    func standing(_ account: AccountID, in currency: Hash32, at url: String) async throws(LedgerError)
        -> AccountStanding
    /// The encoded note.
    func checkpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String
    /// The newest checkpoint that witnesses signed; nil where none did.
    func witnessedCheckpoint(_ currency: Hash32, at url: String) async throws(LedgerError) -> String?
    /// The bytes of a tile or a bundle of entries.
    func tile(_ path: LogTilePath, of currency: Hash32, at url: String) async throws(LedgerError) -> Data
    /// The evidence list of an epoch's rewards, as a granter publishes it.
    func rewards(_ epoch: Int64, of currency: Hash32, at url: String) async throws(LedgerError) -> String
    /// Asks a witness (C2SP tlog-witness) to sign a checkpoint; its signature lines.
    func witness(_ request: WitnessRequest, at url: String) async throws(LedgerError) -> WitnessReply
}

/// How an account stands, by its authority's own word.
public struct AccountStanding: Hashable, Sendable {
    public let key: Hash32
    public let nextSeq: UInt64
    public let balance: Int64
    /// Epoch; −1 for not frozen.
    public let frozenUntil: Int64
    /// The authority's epoch now.
    public let epoch: Int64

    public init(_ account: LedgerState.Account, epoch: Int64) {
        (key, nextSeq, balance) = (account.key, account.nextSeq, account.balance)
        (frozenUntil, self.epoch) = (account.frozenUntil, epoch)
    }

    init(key: Hash32, nextSeq: UInt64, balance: Int64, frozenUntil: Int64, epoch: Int64) {
        (self.key, self.nextSeq, self.balance) = (key, nextSeq, balance)
        (self.frozenUntil, self.epoch) = (frozenUntil, epoch)
    }
}
