public import Digests
import FoundationEssentials
public import Ledger
import WaggleProtocol

/// Why an evidence list is none.
public struct MalformedEvidence: Error, Equatable, Sendable {
    public let what: String
}

/// The published reason of one epoch's rewards: each fact that counted, with its amount. Its hash is the reference of the
/// grants that pay it, so it cannot be changed afterwards; whoever has the posts can count again.
///
/// Lines of text with one space between words (Protocol/spec/rewards.md):
///
///     waggle.rewards/1
///     currency <64 digits>
///     epoch <number>
///     granter <64 digits>
///     member <author> <account> <unix seconds>
///     fact <action> <actor> <recipient> <post> <unix seconds> <subject> <account> <amount>
public struct RewardEvidence: Hashable, Sendable {
    public struct Line: Hashable, Sendable {
        public let fact: RewardFact
        /// Whose account is paid.
        public let account: AccountID
        public let amount: UInt64

        public init(fact: RewardFact, account: AccountID, amount: UInt64) {
            (self.fact, self.account, self.amount) = (fact, account, amount)
        }
    }

    public let currency: Hash32
    public let epoch: Int64
    public let granter: AccountID
    /// By author.
    public let members: [RewardMember]
    /// In the order of time.
    public let lines: [Line]

    public init(currency: Hash32, epoch: Int64, granter: AccountID, members: [RewardMember], lines: [Line]) {
        (self.currency, self.epoch, self.granter) = (currency, epoch, granter)
        (self.members, self.lines) = (members, lines)
    }

    /// What each account gets, by account.
    public var outputs: [Output] {
        var sums: [AccountID: UInt64] = [:]
        for line in lines { sums[line.account, default: 0] += line.amount }
        return sums.sorted { $0.key < $1.key }.compactMap { account, sum in
            Int64(exactly: sum).flatMap { $0 > 0 ? Output(account: account, amount: $0) : nil }
        }
    }

    /// Keys of what must not be counted again.
    public var keys: [Hash32] { lines.compactMap(\.fact.key) }

    // MARK: Bytes

    /// The reference of the grants that pay it.
    public var hash: Hash32 { SHA256.hash(Array(text.utf8)) }

    public var text: String {
        var text = "waggle.rewards/1\ncurrency \(currency.hex)\nepoch \(epoch)\ngranter \(granter.hex)\n"
        for member in members {
            text += "member \(member.author.hex) \(member.account.hex) \(member.admitted)\n"
        }
        for line in lines {
            let fact = line.fact
            text +=
                "fact \(fact.action.rawValue) \(fact.actor.hex) \(fact.recipient.hex) \(fact.post.hex) \(fact.created) "
                + "\(fact.subject.hex) \(line.account.hex) \(line.amount)\n"
        }
        return text
    }

    /// Reads exactly what `text` writes.
    public init(text: String) throws(MalformedEvidence) {
        guard text.utf8.count <= Limits.Economy.evidenceBytes else {
            throw MalformedEvidence(what: "it has more than \(Limits.Economy.evidenceBytes) bytes")
        }
        var currency: Hash32?
        var granter: AccountID?
        var epoch: Int64?
        var members: [RewardMember] = []
        var lines: [Line] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
            switch (index, words.first) {
            case (0, "waggle.rewards/1"): continue
            case (1, "currency") where words.count == 2: currency = Hash32(hex: words[1])
            case (2, "epoch") where words.count == 2: epoch = Int64(words[1])
            case (3, "granter") where words.count == 2: granter = Hash32(hex: words[1])
            case (4..., "member") where words.count == 4 && lines.isEmpty:
                guard let author = Hash32(hex: words[1]), let account = Hash32(hex: words[2]),
                    let admitted = UInt64(words[3])
                else { throw MalformedEvidence(what: "line \(index + 1) names no member") }
                members.append(RewardMember(author: author, account: account, admitted: admitted))
            case (4..., "fact") where words.count == 9:
                lines.append(try Self.fact(words, index))
            case (4..., "") where words.count == 1: continue
            default: throw MalformedEvidence(what: "line \(index + 1) is not understood")
            }
        }
        guard let currency, let granter, let epoch else { throw MalformedEvidence(what: "its head is incomplete") }
        guard Limits.Ledger.orderEpochs.contains(epoch) else {
            throw MalformedEvidence(what: "there is no epoch \(epoch)")
        }
        // Sums are taken of it: no charter allows more in an epoch.
        var rest = Limits.Ledger.issuePerEpoch
        for line in lines {
            guard line.amount <= rest else { throw MalformedEvidence(what: "it pays more than any charter allows") }
            rest -= line.amount
        }
        self.init(currency: currency, epoch: epoch, granter: granter, members: members, lines: lines)
        guard self.text == text else { throw MalformedEvidence(what: "it is not written as it should be") }
    }

    private static func fact(_ words: [Substring], _ index: Int) throws(MalformedEvidence) -> Line {
        guard let action = RewardAction(rawValue: String(words[1])), let actor = Hash32(hex: words[2]),
            let recipient = Hash32(hex: words[3]), let post = Hash32(hex: words[4]), let created = UInt64(words[5]),
            let subject = Hash32(hex: words[6]), let account = Hash32(hex: words[7]), let amount = UInt64(words[8])
        else { throw MalformedEvidence(what: "line \(index + 1) names no fact") }
        return Line(
            fact: RewardFact(
                action, actor: actor, recipient: recipient, post: post, created: created, subject: subject),
            account: account, amount: amount)
    }

    // MARK: Counting again

    /// What is wrong with the list by the charter alone: nothing when its own facts come to exactly what it says.
    ///
    /// - Parameter counted: keys of facts that earlier lists have.
    public func faults(_ charter: Charter, counted: Set<Hash32> = []) -> [String] {
        guard charter.currency == currency, let granter = charter.granters[granter] else {
            return ["it is not by a granter of this currency"]
        }
        let again = RewardPlan(charter, granter: granter, epoch: epoch).evidence(
            lines.map(\.fact), members: members, counted: counted)
        guard again != self else { return [] }
        let (own, right) = (Set(lines), Set(again.lines))
        var faults = own.subtracting(right).map { line in
            "\(line.amount) for \(line.fact.action.rawValue) by \(line.fact.post.hex.prefix(16))… is not what the rules give"
        }.sorted()
        if faults.isEmpty { faults = ["its lines are not in order, or some are missing"] }
        return faults
    }
}
