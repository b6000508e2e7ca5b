import ArgumentParser
import Foundation
import Operations
import SystemPackage

/// Where the root keys for a change come from.
struct RootOptions: ParsableArguments {
    @Option(name: .customLong("words-file"), help: "A file with the 24 recovery words; - for standard input.")
    var wordsFile: String?

    @Option(
        name: .customLong("root-file"),
        help: "A key file with the recovery secret or one root key. Sealed ones open with WAGGLE_PASSPHRASE.")
    var rootFile: String?

    func validate() throws {
        if wordsFile != nil, rootFile != nil { throw ValidationError("Say either --words-file or --root-file.") }
    }

    /// What the options say, else the recovery secret that the home keeps sealed, else words that are typed or piped in.
    func source(_ node: NodeOptions, account: String) throws -> RootSource {
        if let rootFile { return .file(path: Paths.absolute(rootFile).string, passphrase: node.passphrase) }
        let sealed = node.resolvedHome.recovery(ofAccount: account == "node" ? "me" : account)
        if wordsFile == nil, let passphrase = node.passphrase, FileManager.default.fileExists(atPath: sealed.string) {
            return .sealed(passphrase: passphrase)
        }
        return .words(try TypedWords.read(file: wordsFile))
    }
}

/// The 24 words as a person gives them.
enum TypedWords {
    /// From a file, `-` for standard input; nil asks for them, or reads what is piped in.
    static func read(file: String?) throws -> String {
        let text: String
        if let file, file != "-" {
            let path = Paths.absolute(file).string
            guard let data = FileManager.default.contents(atPath: path), data.count <= 64 << 10 else {
                throw OperationError(.notFound, "\(path) cannot be read, or is no file of 24 words")
            }
            text = String(decoding: data, as: UTF8.self)
        } else if file == nil, let typed = Terminal.secret("The 24 recovery words (not shown):") {
            text = typed
        } else {
            text = Terminal.standardInput()
        }
        // Wrong words are refused before anything is asked of anybody.
        _ = try RootSource.read(text)
        return text
    }
}
