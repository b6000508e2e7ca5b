import BlobStore
import Formats
import FoundationEssentials
import Media
import NIOCore
import Sandbox
import SystemPackage
import WaggleProtocol

/// Everything that looks at a file before it is trusted: the scanners of this program, a decoder for pictures, and those that
/// the operator has beside them. `waggle mod scan`, publishing and all that comes in by itself ask this.
struct FileScanner: Sendable {
    let tools: ScanTools
    /// Whether nobody waits for what it says.
    var isIdle = false

    /// What was found, and what a picture looks like.
    struct Scanned: Sendable {
        var report: FileScanReport
        var picture: PDQ?
    }

    /// A file on the disk.
    ///
    /// - Throws: `notFound`, `usage` for what is no regular file, `failed` when it cannot be read or a scanner failed.
    func scan(_ path: FilePath) async throws(OperationError) -> Scanned {
        let name = path.lastComponent?.string ?? ""
        let file = try await Blocking.run { () throws(OperationError) -> FileBytes in
            let (descriptor, size) = try RegularFile.open(path)
            return FileBytes(descriptor, size: size)
        }
        return try await scan(file, name: name, at: path)
    }

    /// A file that is in the store, whatever it is called.
    func scan(_ reader: BlobReader, temporary: FilePath) async throws(OperationError) -> Scanned {
        switch reader.content {
        case .bytes(let buffer):
            return try await scan(
                BytesInMemory(Array(buffer.readableBytesView)), name: "", at: nil, temporary: temporary)
        case .file(let descriptor, let path):
            let copy: SystemPackage.FileDescriptor
            do {
                copy = try descriptor.duplicate()
            } catch {
                throw OperationError(.failed, "\(path): \(error)")
            }
            return try await scan(FileBytes(copy, size: reader.size), name: "", at: path)
        }
    }

    private func scan(
        _ source: some ByteSource, name: String, at path: FilePath?, temporary: FilePath? = nil
    ) async throws(OperationError) -> Scanned {
        let (report, bytes) = try await Blocking.run { () throws(OperationError) in
            try ScanFile.scan(source, name: name)
        }
        var scanned = Scanned(report: report)
        if let bytes { scanned = await decoded(bytes, report) }
        if let address = tools.clamd {
            let limit = tools.clamdBytes
            let answer = try await Blocking.run { () throws(OperationError) in
                try ClamdClient(address: address).ask(source, limit: limit)
            }
            switch answer {
            case .clean: break
            case .found(let virus): scanned.report.add(ScanFinding(.virus, .danger, "ClamAV: \(virus.prefix(120))"))
            case .tooLarge: scanned.report.noteUnasked("ClamAV: the file is larger than it takes")
            }
        }
        if let program = tools.program {
            let findings = try await ask(program, source, report.format, at: path, temporary: temporary)
            scanned.report.add(findings)
        }
        return scanned
    }

    /// Small files lie in a database; a program wants a file.
    private func ask(
        _ program: FilePath, _ source: some ByteSource, _ format: ScannedFormat, at path: FilePath?,
        temporary: FilePath?
    ) async throws(OperationError) -> [ScanFinding] {
        if let path {
            return try await ScannerProgram(path: program).ask(path, size: source.size, format: format)
        }
        let folder = temporary ?? FilePath(FileManager.default.temporaryDirectory.path)
        let copy = folder.appending("scan-\(UInt64.random(in: .min ... .max))")
        defer { try? FileManager.default.removeItem(atPath: copy.string) }
        do {
            try Data(try source.read(at: 0, count: Int(source.size))).write(to: URL(filePath: copy.string))
        } catch {
            throw OperationError(.failed, "\(copy): \(error)")
        }
        return try await ScannerProgram(path: program).ask(copy, size: source.size, format: format)
    }

    /// The report with what a decoder in the sandbox says. Without the tools it is not said to be safe.
    private func decoded(_ bytes: [UInt8], _ report: FileScanReport) async -> Scanned {
        var scanned = Scanned(report: report)
        do throws(SandboxError) {
            switch try await PictureDecoder(isIdle: isIdle).decode(bytes) {
            case .refused(let why): scanned.report.add(ScanFinding(.picture, .malformed, why))
            case .picture(let pdq):
                (scanned.report.pdq, scanned.report.quality) = (pdq.hash.hex, pdq.quality)
                scanned.picture = pdq
            }
        } catch {
            scanned.report.add(ScanFinding(.picture, .malformed, "it was not decoded: \(error)"))
            scanned.report.noteUnasked("the picture was not decoded: \(error)")
        }
        return scanned
    }
}
