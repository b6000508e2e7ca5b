import Foundation
import Operations
import SystemPackage

/// A document that goes from hand to hand as a file, and is signed by each: a charter, a clawback.
enum PassedFile {
    static func read(_ file: String) throws -> Data {
        guard let document = try find(file) else {
            throw OperationError(.notFound, "\(Paths.absolute(file).string) is not there")
        }
        return document
    }

    /// Nil where there is none yet.
    static func find(_ file: String) throws -> Data? {
        let path = Paths.absolute(file).string
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let document = FileManager.default.contents(atPath: path) else {
            throw OperationError(.notFound, "\(path) cannot be read")
        }
        return document
    }

    /// In one step: there is the old document or the new one.
    static func write(_ document: Data, to file: String) throws {
        let path = Paths.absolute(file).string
        do {
            try document.write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw OperationError(.failed, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
