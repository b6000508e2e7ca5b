import Digests
import Federation
import FoundationEssentials
import Operations
import SystemPackage

extension Settings {
    /// The first addresses of the signed list that the settings name; none where they name none.
    func firstAddresses(_ home: Home) throws(OperationError) -> [String] {
        let name = self["federation.bootstrap"]
        guard !name.isEmpty else { return [] }
        guard let key = Hex.decode(self["federation.bootstrap_key"], count: 32).flatMap({ Hash32($0) }) else {
            throw OperationError(
                .usage, "federation.bootstrap needs federation.bootstrap_key: the key that signs the list")
        }
        let path = FilePath(name).isAbsolute ? FilePath(name) : home.root.appending(name)
        guard let text = try? String(contentsOf: URL(filePath: path.string), encoding: .utf8) else {
            throw OperationError(.notFound, "federation.bootstrap: \(path) cannot be read as text")
        }
        do throws(BootstrapList.Failure) {
            return try BootstrapList(text, signedBy: key).urls
        } catch {
            throw OperationError(.auth, "federation.bootstrap: \(path): \(error)")
        }
    }
}
