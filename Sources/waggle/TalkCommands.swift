import ArgumentParser
import Foundation
import Operations
import SystemPackage

struct ReviewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "review", abstract: "Say whether you recommend a release.",
        discussion: """
            One review a person and release; the next one takes its place.

            EXAMPLES
              waggle review @maker/honey@1.0 --recommend yes --text "Holds its shape well." --image mine.png
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup var signing: AccountOption

    @Argument(help: "@maker/name@version, a post id, a hash, …")
    var reference: String

    @Option(help: "Do you recommend it? yes or no.")
    var recommend: PublishCommand.Answer

    @Option(help: "What you would tell a friend, in Markdown.")
    var text = ""

    @Option(name: .customLong("image"), help: "A picture made with it; may be repeated.", completion: .file())
    var images: [String] = []

    @Option(help: "Content level of the pictures: PG, PG-13, R, X or XXX. [default: PG]")
    var level: String?

    func run() async throws {
        let reply = try await node.run(
            WriteReview(
                account: signing.account, reference: reference, isRecommended: recommend == .yes, text: text,
                images: images.map { Paths.absolute($0).string }, level: level))
        try Terminal.signed(reply, json: output.json)
    }
}

struct CommentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "comment", abstract: "Comment on a model, release, image, review, collection or article.")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup var signing: AccountOption

    @Argument(help: "@maker/name, @maker/name@version, the id of a post, or the address of its page here.")
    var subject: String

    @Argument(help: "What you say, in Markdown; - reads standard input.")
    var text: String

    @Option(name: .customLong("reply-to"), help: "The id of the comment that you answer.")
    var replyTo: String?

    func run() async throws {
        let words =
            text == "-" ? String(decoding: FileHandle.standardInput.readDataToEndOfFile(), as: UTF8.self) : text
        let reply = try await node.run(
            WriteComment(account: signing.account, subject: subject, replyTo: replyTo, text: words))
        try Terminal.signed(reply, json: output.json)
    }
}

struct ReactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "react", abstract: "React to a post with an emoji.",
        discussion: "EXAMPLES\n  waggle react @maker/honey ❤️")

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup var signing: AccountOption

    @Argument(help: "@maker/name, @maker/name@version, the id of a post, or the address of its page here.")
    var subject: String

    @Argument(help: "One emoji.")
    var emoji: String

    @Flag(help: "Take it back.")
    var remove = false

    func run() async throws {
        let reply = try await node.run(
            React(account: signing.account, subject: subject, emoji: emoji, isWithdrawn: remove))
        try Terminal.signed(reply, json: output.json)
    }
}

struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Take back a post of your own: a release, model, review, comment, collection, …",
        discussion: """
            Nodes stop showing it; a tombstone that says who took it back, when and why stays. Files that others hold are
            theirs. It cannot be undone: publish anew instead.
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption
    @OptionGroup var signing: AccountOption

    @Argument(help: "@maker/name, @maker/name@version, or the id of a post.")
    var subject: String

    @Option(help: "Why, for everybody to read.")
    var reason = ""

    @Flag(help: "Do not ask.")
    var yes = false

    func run() async throws {
        if !yes {
            guard Terminal.isInteractive else {
                throw OperationError(.usage, "nobody is here to say yes; add --yes")
            }
            guard Terminal.confirm("Take back \(subject) for good?") else {
                throw OperationError(.failed, "nothing was taken back")
            }
        }
        let reply = try await node.run(RetractPost(account: signing.account, subject: subject, reason: reason))
        try Terminal.signed(reply, json: output.json)
    }
}

struct FollowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "follow", abstract: "Follow creators: what they publish has room here.",
        subcommands: [Add.self, Remove.self, List.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "add", abstract: "Follow a creator.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "@handle, or an author id.")
        var author: String

        @Option(help: "What you call them.")
        var petname = ""

        func run() async throws {
            let reply = try await node.run(
                ChangeFollows(account: signing.account, author: author, petname: petname, isFollowing: true))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "rm", abstract: "Follow a creator no longer.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        @Argument(help: "@handle, or an author id.")
        var author: String

        func run() async throws {
            let reply = try await node.run(
                ChangeFollows(account: signing.account, author: author, isFollowing: false))
            try Terminal.signed(reply, json: output.json)
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "ls", abstract: "List whom you follow.")

        @OptionGroup var node: NodeOptions
        @OptionGroup var output: JSONOption
        @OptionGroup var signing: AccountOption

        func run() async throws {
            let follows = try await node.run(ListFollows(account: signing.account))
            if output.json { return try Terminal.json(follows) }
            if follows.isEmpty { Terminal.note("Nobody yet; `waggle follow add @handle` follows a creator.") }
            for follow in follows {
                Terminal.print(
                    [
                        follow.handle.isEmpty ? "-" : "@\(follow.handle)", follow.name, follow.petname,
                        "\(follow.models) models", follow.author,
                    ].joined(separator: "\t"))
            }
        }
    }
}
