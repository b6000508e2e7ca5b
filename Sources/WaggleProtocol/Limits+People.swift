/// People at home on a node, what they ask over the API, and Buzz.
extension Limits {
    /// People at home on a node, their sessions and tokens.
    public enum Accounts {
        public static let handleBytes = 32
        public static let passphraseCharacters = 10
        public static let passphraseBytes = 1024
        public static let applicationBytes = 2000
        /// What an API token is called, and how many one account has.
        public static let labelBytes = 100
        public static let tokens = 100
        /// Life of a session, and of an invite at most.
        public static let sessionSeconds: UInt64 = 30 * 86400
        public static let inviteSeconds: UInt64 = 90 * 86400
        public static let inviteUses = 1000
        /// A key challenge, and those that are open at a time.
        public static let challengeSeconds: UInt64 = 300
        public static let challenges = 4096
        /// Failed attempts before the first pause, and the pauses: each is twice the one before.
        public static let freeAttempts = 5
        public static let firstPause: UInt64 = 2
        public static let longestPause: UInt64 = 3600
        public static let rememberedAttempts = 10_000
        /// Passphrases that wait to be checked; each takes 64 MiB and a tenth of a second, one after another.
        public static let waitingPassphrases = 32
        /// Times of use are written down that seldom.
        public static let lastUsedSeconds: UInt64 = 60
        public static let rememberedGrants = 10_000
        /// Answers that are kept for a repeated Idempotency-Key, how long, and how large.
        public static let keptAnswerSeconds: UInt64 = 86400
        public static let keptAnswerBytes = 256 << 10
        public static let idempotencyKeyBytes = 200
        /// Drafts of one account, what is typed into one, and how long one waits for somebody to go on.
        public static let drafts = 50
        public static let draftBytes = 256 << 10
        public static let draftSeconds: UInt64 = 90 * 86400
        /// Notifications that are kept of one account, and how old a post may be that somebody is told of.
        public static let notifications = 1000
        public static let newsSeconds: UInt64 = 30 * 86400
        /// Items at the end of a collection whose makers are told, and hundreds of an author's followers who are.
        public static let lookedAtItems = 50
        public static let followerPages = 50
        /// Posts an hour that this node takes over the web: of a member, of curators and trusted reporters, of moderators.
        /// Not fewer than other nodes take of an author whom they know.
        public static let postsPerHour = 120
        public static let postsPerHourOfTrusted = 300
        public static let postsPerHourOfModerators = 1000
        /// Bytes of the disk for what one account brings: of a member, of curators and trusted reporters, of moderators;
        /// and what an operator can give one account.
        public static let storage: UInt64 = 100 << 30
        public static let storageOfTrusted: UInt64 = 200 << 30
        public static let storageOfModerators: UInt64 = 500 << 30
        public static let storageAtMost: UInt64 = 1 << 50
        /// Bits of PG and PG-13: what is shown without somebody's word that they are an adult.
        public static let openLevels: UInt32 = 3
        /// Accounts of one page.
        public static let listed = 1000
        /// What comes along with somebody who moves here over the web, however often they do: posts, and their bytes
        /// together; the seconds that one visit to their old home takes, and how many people move at a time.
        public static let movedPosts = 20_000
        public static let movedBytes = 64 << 20
        public static let moveSeconds = 120
        public static let movesAtOnce = 2
    }

    /// The native API.
    public enum API {
        /// A JSON body.
        public static let bodyBytes = 1 << 20
        /// Requests a minute: of one address without a token, of one token, and of one address at the door.
        public static let requestsPerAddress = 600
        public static let requestsPerToken = 3000
        public static let knocksPerMinute = 30
        /// Tokens and addresses that are counted at a time.
        public static let buckets = 100_000
        /// Posts that were signed elsewhere, of one request.
        public static let postsPerRequest = 100
        /// Uploads of one account at a time, what they come to together, and how long they wait to be published.
        public static let uploads = 200
        public static let uploadBytes: UInt64 = 100 << 30
        public static let uploadSeconds: UInt64 = 7 * 86400
        /// A commit of a client of the Hub, its lines, and a file that comes within it.
        public static let commitBytes = 32 << 20
        /// Memory of all commits that are being read.
        public static let commitMemory = 512 << 20
        public static let commitLines = 256
        public static let smallFileBytes: UInt64 = 4 << 20
    }

    /// Buzz.
    public enum Ledger {
        /// A charter, an order (256 outputs have 11 KiB), and any other message of the ledger.
        public static let charterBytes = 256 << 10
        public static let orderBytes = 16 << 10
        public static let messageBytes = 1 << 20
        /// Message nesting: a final holds statements, which hold certificates, which hold orders.
        public static let nesting = 16
        /// Requests that one transaction takes, and that wait for it at most.
        public static let transactionRequests = 512
        public static let waitingRequests = 8192
        /// Orders in one HTTP request.
        public static let ordersPerRequest = 1024
        /// A bundle of 256 entries, each a final of one order.
        public static let bundleBytes = 8 << 20
        /// One entry of a log: its length has two bytes.
        public static let entryBytes = 65_535
        /// An output of an order, and the rest of a signed one with what a statement has beside it.
        public static let outputBytes = 50
        public static let orderRestBytes = 600
        /// New entries of a log that are fetched without looking at its tiles first.
        public static let fewEntries = 1024
        /// What one round of following a log brings at most, and room on the disk that a copy of a log leaves free.
        public static let bytesPerRound = 256 << 20
        public static let freeBytes: UInt64 = 256 << 20
        /// Seconds until whoever served what was not signed is asked again, at most.
        public static let doubtSeconds: UInt64 = 3600
        /// Requests to an authority from one address in a minute; each order is one.
        public static let requestsPerAddress = 6000
        /// Signatures of authorities that count as one more request.
        public static let signaturesPerRequest = 16
        /// Orders of one account that an authority decides in one epoch, where the charter says nothing.
        public static let ordersPerEpoch: UInt64 = 10_000
        /// Witnesses that are remembered for one currency.
        public static let witnesses = 64
        /// Finals on one page of a history.
        public static let historyPage = 100
        /// Seconds between two looks at an authority, and between two rounds of its checkpoint before witnesses.
        public static let followSeconds = 15
        public static let witnessSeconds = 60
        /// Proofs of one offence of the same authorities that are kept.
        public static let proofsOfAKind = 8
        /// Pairs of orders of one payer for one place that are kept: the latest.
        public static let doubleOrders = 64
        /// A proof that is posted: the payload of a post has room for it.
        public static let postedProofBytes = 60 << 10
        /// Entries of a log that are fetched to check what is said of it.
        public static let proofEntries: UInt64 = 65_536
        /// Seconds until a whole log is read again because of what a post says of it.
        public static let logCheckSeconds: UInt64 = 600
        /// Seconds for which whoever gives an order waits for its final, and messages to one authority under way: what else is
        /// for it goes together with the next.
        public static let driveSeconds = 25
        public static let requestsInFlight = 2
        /// Places of its chain that an order is tried in, where those before were given up.
        public static let placesTried = 4
        /// Contradictions of authorities that wait to be looked at.
        public static let evidence = 64
        /// Seconds that whoever asks waits for the logs of a quorum.
        public static let followPatience = 10
        /// How long a client waits for a round to move before it asks for the next, in the first round and in the last;
        /// each round waits twice as long as the one before. Milliseconds.
        public static let patienceMilliseconds: UInt64 = 2000
        public static let mostPatienceMilliseconds: UInt64 = 60_000
        /// Milliseconds until an authority that did not answer is asked again.
        public static let resendMilliseconds: UInt64 = 1000
        /// Rounds to which wardens who sign a clawback let its place be unlocked.
        public static let clawbackRounds: UInt32 = 16
        /// Frozen accounts on the page of a currency's wardens.
        public static let frozenShown = 24
        /// How far above its own a client believes a round that one authority alone says to have promised.
        public static let roundsBelieved: UInt32 = 16
        /// How far above what it promised an authority promises a round: nobody uses all rounds up with one request.
        public static let roundsAhead: UInt32 = 1024
        /// Statements and votes of past rounds that an authority can give again, for one slot.
        public static let roundsKept = 64
        /// Slots whose signatures are watched for contradictions, and signatures of one slot, of votes and commits and of
        /// statements.
        public static let watchedSlots = 4096
        public static let watchedSignatures = 1024
        /// Finals in one proof.
        public static let proofFinals = 64
        /// Epochs after a final for which what justified its rounds is kept.
        public static let blameEpochs: Int64 = 30
        /// Authorities of one charter: 3f + 1 with f up to 10.
        public static let authorities = 31
        public static let granters = 256
        public static let rewards = 64
        public static let wardens = 16
        public static let services = 1024
        /// A name or address in a charter.
        public static let textBytes = 512
        /// Outputs of one order, and payees of one hold.
        public static let outputs = 256
        /// Signatures on one order or unlock request.
        public static let signatures = 20
        /// What all granters of a charter may issue in one epoch together: small enough for sums to stay exact for ever.
        public static let issuePerEpoch: UInt64 = 1 << 40
        /// What a currency may issue in all.
        public static let issued: Int64 = 1 << 62
        /// Epochs that an order may name: sums and differences with what a charter says stay far from 2⁶³.
        public static let orderEpochs: ClosedRange<Int64> = -(1 << 40)...(1 << 40)
        public static let epochSeconds = 60...(366 * 86400)
        public static let defaultEpochSeconds = 86400
        public static let holdEpochs = 30
        public static let holdGraceEpochs = 1
        /// Keys that words make for one person: one for each home and recovery.
        public static let derivedKeys = 64
        /// What a charter may name as its longest hold, grace or freeze.
        public static let epochs = 100_000
    }

    /// Bounties and rewards.
    public enum Economy {
        /// Works that one entry shows, winners of one award, and the weight of one of them.
        public static let works = 16
        public static let winners = 16
        public static let weight: UInt32 = 1000
        /// Times of bounties fit into epochs counted in 63 bits: the year 9999.
        public static let latestTime: UInt64 = 253_402_300_799
        /// Entries that are looked at, and people among whom a bounty is split.
        public static let entries = 1000
        public static let splits = 100
        /// Awards that are looked at.
        public static let awards = 1000
        /// How long after the deadline an entry that was made in time may reach the arbiter.
        public static let arrivalSeconds: UInt64 = 3600
        /// Epochs that the arbiter has after the decision, before a hold expires.
        public static let settlingEpochs: Int64 = 2
        /// Finals about one bounty that are looked at.
        public static let bountyFinals = 2000
        /// A member counts for others once admitted so many epochs before.
        public static let reactorAgeEpochs = 1
        /// What images may bring one model's author in an epoch: 5,000 in thirty.
        public static let modelCap: UInt64 = 166
        /// What can be reacted to: posts of so many epochs before and since.
        public static let reactedEpochs: UInt64 = 30
        /// Seconds after an epoch in which its last posts may arrive, and epochs back that are still rewarded after a pause.
        public static let factSeconds: UInt64 = 600
        public static let latestEpochs: Int64 = 7
        /// Posts of one member in one epoch that are looked at, and a published list.
        public static let factsPerMember = 2000
        public static let evidenceBytes = 64 << 20
        /// Seconds that another granter has for sending its list, those for which a list that could not be had is not asked
        /// for again, and how many of these are remembered.
        public static let listSeconds = 60
        public static let missedListSeconds: UInt64 = 60
        public static let missedLists = 1000
        /// Accounts on the page of an epoch's rewards.
        public static let rewardLines = 500
        /// Seconds between two looks at bounties, expired holds and epochs that have ended.
        public static let keepSeconds: UInt64 = 15
    }
}
