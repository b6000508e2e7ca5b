import ArgumentParser
import Foundation
import Operations

struct InitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init", abstract: "Make a home, this node's key and your account @me.",
        discussion: """
            Prints 24 recovery words once: they bring your identity back when this disk is lost. With WAGGLE_PASSPHRASE in
            the environment your key is sealed under it (Argon2id).
            """)

    @OptionGroup var node: NodeOptions
    @OptionGroup var output: JSONOption

    func run() async throws {
        let reply = try Self.initialize(node)
        if output.json { return try Terminal.json(reply) }
        Self.tell(reply)
    }

    static func initialize(_ node: NodeOptions) throws -> InitializeHome.Reply {
        try InitializeHome(
            home: node.resolvedHome, passphrase: node.passphrase, now: UInt64(Date().timeIntervalSince1970)
        ).run()
    }

    static func tell(_ reply: InitializeHome.Reply) {
        guard reply.isNew else { return Terminal.print("\(reply.home) is a node's home already (\(reply.node)).") }
        Terminal.print(
            """
            Made a node at \(reply.home)
              node  \(reply.node)
              @me   \(reply.me)

            Your 24 recovery words. They are shown this once and are stored nowhere: write them down, on paper.

            \(Self.columns(reply.words))
            """)
    }

    private static func columns(_ words: String) -> String {
        let words = words.split(separator: " ")
        return stride(from: 0, to: words.count, by: 6).map { start in
            words[start..<min(start + 6, words.count)].enumerated().map { offset, word in
                let number = "\(start + offset + 1)"
                return String(repeating: " ", count: 4 - number.count) + number + " "
                    + word.padding(toLength: 9, withPad: " ", startingAt: 0)
            }.joined()
        }.joined(separator: "\n")
    }
}
