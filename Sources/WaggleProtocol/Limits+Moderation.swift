extension Limits {
    /// What a node does with lists.
    public enum Policy {
        /// Entries of one list that a node reads.
        public static let entriesPerList = 250_000
        /// Lists that a node subscribes to, and that one consensus counts.
        public static let sources = 64
        public static let consensusLists = 16
        /// Items that lists may newly take from a catalog in a day without a person: this many, or one in so many of all if
        /// that is less, and at least a few in a small catalog.
        public static let brakeItems = 100
        public static let brakeShare = 100
        public static let brakeFloor = 5
        public static let brakeSeconds: UInt64 = 86_400
        /// Decisions that can be taken back, one after another.
        public static let steps = 200
        /// A list's file that is imported.
        public static let importBytes = 64 << 20
        public static let importLineBytes = 4096
        /// Entries that are signed and handed in at a time.
        public static let entriesAtOnce = 500
        /// Pause between looks at what has run out.
        public static let expirySeconds: Int64 = 20
        /// Pause between looks at what the peers are to be told.
        public static let ackSeconds: Int64 = 2
    }

    /// What people say of levels.
    public enum Levels {
        /// People who have to agree before their word changes a level.
        public static let votes = 3
        /// Things in dispute that are looked at for those that are here, and posts that are waited for.
        public static let read = 10_000
        /// Things that are shown to moderators together.
        public static let shown = 200
        /// What somebody writes to a moderator.
        public static let reviewBytes = 4096
        /// Requests of one account that wait for a moderator at a time.
        public static let reviewsPerAccount = 20
        /// Lines of the log that are read at a time, and how many go by before it is noted how far that came.
        public static let linesAtOnce = 1000
        public static let linesBetweenNotes: UInt64 = 10_000
        /// Pause between counts of everything, for those who came to be at home here meanwhile.
        public static let recountSeconds: Int64 = 600
    }

    /// Reports, requests to take something down, and what is decided about them.
    public enum Cases {
        /// Things that one case is about.
        public static let subjects = 64
        public static let textBytes = 16 << 10
        public static let contactBytes = 1024
        public static let sealedBytes = 64 << 10
        /// Open cases that are looked at together.
        public static let queue = 1000
        /// Reports shown with one case.
        public static let reportsShown = 100
        /// Reports of one person in a day.
        public static let reportsPerReporter = 50
        public static let reporterSeconds: UInt64 = 86_400
        /// Two days for what has a deadline; told of after one day, and eight hours before its end.
        public static let deadlineSeconds: UInt64 = 48 * 3600
        public static let soonSeconds: UInt64 = 24 * 3600
        public static let urgentSeconds: UInt64 = 40 * 3600
        public static let undoSeconds: UInt64 = 30 * 86_400
        public static let appealSeconds: UInt64 = 20 * 86_400
        public static let strikeSeconds: UInt64 = 365 * 86_400
        /// Files that somebody without an account sends with a request: how many, and bytes of one, of all of a request, of all
        /// from one address in a day, and of all that are kept; requests that bring some at a time, and bytes a second that each
        /// must bring on average; the time until a file without a case is forgotten, and one whose case nobody took up. A day's
        /// bytes, for as long as files stay, are less than all: one address alone never takes everybody's room.
        public static let attachedFiles = 4
        public static let attachedBytes = 8 << 20
        public static let attachedBytesPerRequest = 16 << 20
        public static let attachedBytesPerDay = 16 << 20
        public static let attachedBytesOfAll = 1 << 30
        public static let attachedNameBytes = 120
        public static let attaching = 4
        public static let attachedPace = 128 << 10
        public static let pendingSeconds: UInt64 = 86_400
        public static let unattendedSeconds: UInt64 = 30 * 86_400
        /// A piece of locked evidence, sealed by itself.
        public static let evidencePieceBytes = 16 << 20
        /// Accepted reports that are rewarded at a time, and how long one is paid for after its decision.
        public static let rewardsAtOnce = 100
        public static let rewardSeconds: UInt64 = 90 * 86_400
        /// What one request to `/w/1/actions/ack` carries.
        public static let acks = 1000
        /// Pause between looks at deadlines and at the day's head.
        public static let keepSeconds: Int64 = 60
    }
}
