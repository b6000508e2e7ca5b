import ArgumentParser
import Node

@main
struct Waggle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "waggle",
        abstract: "A node of a federated exchange for AI-art models.",
        discussion: """
            EXAMPLES
              waggle serve
                  Set up a node and serve it at http://127.0.0.1:7700.
              waggle publish my-lora.safetensors --model @me/my-lora --version 1.0 --type LORA --base "SDXL 1.0"
                  Sign a release of a model, drafted from the file's own header.
              waggle peer add https://models.example && waggle mirror add --all --budget 100GB
                  Follow another node and keep copies of what it has.

            Everything is in one home directory: --home, else WAGGLE_HOME, else ~/.local/share/waggle.
            """,
        version: Node.version,
        subcommands: [
            InitCommand.self, ServeCommand.self, StatusCommand.self, VersionCommand.self, PublishCommand.self,
            GetCommand.self, LibraryCommand.self, IdentifyCommand.self, SearchCommand.self, ShowCommand.self,
            ListCommand.self, OpenCommand.self,
            VerifyCommand.self, ExportCommand.self, ReviewCommand.self, CommentCommand.self, ReactCommand.self,
            LevelCommand.self,
            RemoveCommand.self, CollectionCommand.self, ArticleCommand.self, WorkflowCommand.self, FollowCommand.self,
            BuzzCommand.self, BountyCommand.self,
            ReindexCommand.self,
            PeerCommand.self,
            PushCommand.self, MirrorCommand.self, StoreCommand.self, RepairCommand.self, BackupCommand.self,
            DumpCommand.self, ImportCommand.self, ModerationCommand.self, ModerationListCommand.self, GenCommand.self,
            AccountCommand.self, TokenCommand.self, KeyCommand.self, ConfigCommand.self, DoctorCommand.self,
            ModeCommand.self, AnnounceCommand.self, AuditCommand.self,
        ])

    /// Parses, runs, and ends with the exit code that belongs to what happened.
    static func main() async {
        Node.prepareProcess()
        Terminal.prepare()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Terminal.fail(error)
        }
    }
}
