public import Catalog
public import Digests
public import Moderation

/// What this node keeps copies of. A file is wanted when some rule matches it; the oldest rule that has room for it takes
/// it.
public struct MirrorRule: Sendable, Hashable {
    public let n: Int64
    public let terms: Terms
    /// The operator stopped it; it takes nothing until it is resumed.
    public let isPaused: Bool
    /// Unix seconds of the last pass that worked the rule; 0 for never.
    public let lastRun: UInt64
    /// What went wrong in that pass, in words; empty when nothing did.
    public let lastError: String

    /// What a rule wants, and how much room it may take.
    public struct Terms: Sendable, Hashable {
        /// Only files that this peer holds; nil for whoever has them.
        public var node: Hash32?
        /// Words of which one must fit, compared without case; empty for all: model types, base models, tags.
        public var types: [String]
        public var bases: [String]
        public var tags: [String]
        /// Who published it; empty for everybody.
        public var creators: [Hash32]
        public var maxLevel: Level
        /// Bytes that the rule may fill; 0 for no limit of its own.
        public var budget: UInt64
        /// Bytes of the disk that the rule leaves free; the store's own reserve holds besides.
        public var keepFree: UInt64

        public init(
            node: Hash32? = nil, types: [String] = [], bases: [String] = [], tags: [String] = [],
            creators: [Hash32] = [], maxLevel: Level, budget: UInt64 = 0, keepFree: UInt64 = 0
        ) {
            self.node = node
            self.types = types
            self.bases = bases
            self.tags = tags
            self.creators = creators
            self.maxLevel = maxLevel
            self.budget = budget
            self.keepFree = keepFree
        }

        /// Does the rule want this file or image, wherever it may be?
        public func matches(_ candidate: MirrorCandidate) -> Bool {
            candidate.level <= maxLevel && Self.allows(types, [candidate.modelType])
                && Self.allows(bases, [candidate.baseModel]) && Self.allows(tags, candidate.tags)
                && (creators.isEmpty || creators.contains(candidate.author))
        }

        private static func allows(_ words: [String], _ found: [String]) -> Bool {
            words.isEmpty || words.contains { word in found.contains { $0.lowercased() == word.lowercased() } }
        }
    }
}
