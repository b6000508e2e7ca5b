/// One order for pictures, from the quote to the receipt.
public struct Job: Codable, Hashable, Sendable, Identifiable {
    public enum State: String, Codable, Hashable, Sendable, CaseIterable {
        /// The price is being put aside.
        case holding
        case queued
        case running
        /// Over; the price is being paid or given back.
        case settling
        case done, failed, cancelled

        public var isOver: Bool { self == .done || self == .failed || self == .cancelled }
    }

    /// 32 hexadecimal digits.
    public let id: String
    /// Whose job it is: an account's id, in hexadecimal; empty for the operator's.
    public let owner: String
    public let plan: GenerationPlan
    public let models: ModelSet
    /// Unix seconds.
    public let created: UInt64
    /// How much work it is; see `GenerationPrice`.
    public let milliunits: Int64
    /// Buzz; 0 is free, and then nothing is held.
    public let price: Int64
    /// The token that it was ordered with, whose limit it counts against.
    public let token: Int64?
    /// Whose work counts how much: jobs of weight 2 come twice as often as those of weight 1.
    public let weight: Int

    public internal(set) var state: State = .holding
    /// Where its turn is; see `JobQueue`.
    public internal(set) var turn: Double = 0
    /// The hold of the price.
    public internal(set) var hold: String?
    /// How often it was begun.
    public internal(set) var attempts = 0
    public internal(set) var started: UInt64?
    public internal(set) var finished: UInt64?
    public internal(set) var progress = JobProgress()
    public internal(set) var pictures: [JobPicture] = []
    public internal(set) var failure: JobFailure?
    /// What it is to become when the payment is settled, and what is taken of the hold.
    public internal(set) var outcome: State?
    public internal(set) var captured: Int64 = 0
    public internal(set) var isCancelled = false

    public init(
        id: String, owner: String, plan: GenerationPlan, models: ModelSet, created: UInt64, milliunits: Int64,
        price: Int64, token: Int64? = nil, weight: Int = 1
    ) {
        self.id = id
        self.owner = owner
        self.plan = plan
        self.models = models
        self.created = created
        self.milliunits = milliunits
        self.price = price
        self.token = token
        self.weight = max(1, weight)
    }
}

/// How far a job is. Not kept: a node that comes back begins the job anew.
public struct JobProgress: Codable, Hashable, Sendable {
    /// The picture of the batch that is drawn, from 0.
    public var picture = 0
    public var step = 0
    public var steps = 0

    public init(picture: Int = 0, step: Int = 0, steps: Int = 0) {
        self.picture = picture
        self.step = step
        self.steps = steps
    }
}

/// A picture that was drawn, checked and stored.
public struct JobPicture: Codable, Hashable, Sendable {
    public var index: Int
    public var seed: UInt64
    /// Of the file with its recipe in it.
    public var sha256: String
    public var size: UInt64
    public var mediaType: String
    public var width: Int
    public var height: Int
    /// What whom it was drawn for thinks of it; nil when they did not say.
    public var isGood: Bool?

    public init(
        index: Int, seed: UInt64, sha256: String, size: UInt64, mediaType: String, width: Int, height: Int
    ) {
        self.index = index
        self.seed = seed
        self.sha256 = sha256
        self.size = size
        self.mediaType = mediaType
        self.width = width
        self.height = height
    }
}

/// Why a job came to nothing.
public struct JobFailure: Codable, Hashable, Sendable {
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    init(_ error: GenerationError) {
        self.init(code: error.code, message: error.message)
    }
}
