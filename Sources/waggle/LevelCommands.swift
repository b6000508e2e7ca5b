import ArgumentParser
import Moderation
import Operations

/// `waggle level`: what the level of something is here, and what people say of it.
struct LevelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "level",
        abstract: "Show the level of a picture, a model or a post, and say what it should be.",
        discussion: """
            When three people at home here, and more than half of all who spoke, find something less mild than it is shown,
            it is moved to where they say, at once and everywhere on this node. Nothing is ever made milder by votes: its
            maker asks for a review (--review), and a moderator may lock any level (`waggle mod level`).

            EXAMPLES
              waggle level @maker/honey
              waggle level @maker/honey --vote R
              waggle level file:0a1b... --withdraw
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup var signing: AccountOption

    @Argument(
        help: "@maker/name, the SHA-256 of a picture (file:...), the id of a post, or the address of a page here.")
    var subject: String

    @Option(help: "What its level should be: \(Level.words.joined(separator: ", ")).")
    var vote: String?

    @Flag(help: "Take back what you said.")
    var withdraw = false

    @Option(help: "Of something of your own: why a moderator should look at its level.")
    var review: String?

    func run() async throws {
        guard [vote != nil, withdraw, review != nil].count(where: { $0 }) <= 1 else {
            throw OperationError(.usage, "say one of --vote, --withdraw and --review")
        }
        let report =
            if let review {
                try await node.run(AskLevelReview(subject: subject, text: review))
            } else if vote != nil || withdraw {
                try await node.run(VoteLevel(account: signing.account, subject: subject, level: vote))
            } else {
                try await node.run(ShowLevel(subject))
            }
        if output.json { return try Terminal.json(report) }
        Self.show(report)
    }

    static func show(_ report: LevelReport) {
        let votes = Level.words.compactMap { word in report.votes[word].map { "\(word) \($0)" } }
        let notes = [
            "its maker says \(report.declared)", votes.isEmpty ? nil : "people say \(votes.joined(separator: ", "))",
            report.own.map { "you say \($0)" }, report.isFoundMilder ? "people find it milder" : nil,
            report.lock.map { lock in
                let what = lock.isOfOlderVersion ? "an older version is locked" : "locked"
                return "\(what) (\(lock.number)\(lock.reason.isEmpty ? "" : ": \(lock.reason)"))"
            },
            report.review.map { "@\($0.by) asks: \($0.text)" },
        ]
        Terminal.columns([
            report.level, report.subject, report.title, notes.compactMap(\.self).joined(separator: "; "),
        ])
    }
}

extension ModerationCommand {
    struct LevelLockCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "level", abstract: "Lock the level of something, whatever its maker and everybody else says.",
            discussion: """
                Of a model, a collection, an article or a workflow it locks the version that you name: the newest, or an older
                one by its post. A newer one is no milder than that, than its maker says, and than people agreed since.

                EXAMPLES
                  waggle mod level @maker/honey R --reason "see the second picture"
                """)

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @Argument(help: "What `waggle level` takes.")
        var subject: String
        @Argument(help: "\(Level.words.joined(separator: ", ")).")
        var level: String?
        @Option(help: "Why, for everybody to read.")
        var reason = ""
        @Flag(help: "Lift the lock: what people agree on counts again.")
        var unlock = false

        func run() async throws {
            guard unlock != (level != nil) else { throw OperationError(.usage, "name a level, or say --unlock") }
            let report =
                if let level {
                    try await node.run(LockLevel(subject: subject, level: level, reason: reason))
                } else {
                    try await node.run(UnlockLevel(subject: subject))
                }
            if output.json { return try Terminal.json(report) }
            LevelCommand.show(report)
        }
    }

    struct Levels: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "levels", abstract: "Show levels in dispute, and those that are locked.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption

        func run() async throws {
            let all = try await node.run(ListLevelDisputes())
            if output.json { return try Terminal.json(all) }
            for report in all.disputes + all.locked { LevelCommand.show(report) }
        }
    }
}
