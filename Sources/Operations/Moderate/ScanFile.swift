public import Formats
import Media
import Sandbox
public import SystemPackage

/// `waggle mod scan FILE`: what the scanners of this node say of a file, before anything opens it.
///
/// It is no `Operation`, because it needs no node and no home. Ingest asks the same code.
public struct ScanFile: Sendable {
    public let path: FilePath

    public init(_ path: FilePath) {
        self.path = path
    }

    /// - Throws: `notFound`, `usage` for what is no regular file, `failed` when it cannot be read.
    public func run() async throws(OperationError) -> FileScanReport {
        let path = path
        let name = path.lastComponent?.string ?? ""
        let (report, picture) = try await Blocking.run { () throws(OperationError) -> (FileScanReport, [UInt8]?) in
            let (descriptor, size) = try RegularFile.open(path)
            return try Self.scan(FileBytes(descriptor, size: size), name: name)
        }
        guard let picture else { return report }
        return await Self.decoded(picture, report)
    }

    /// Refuses what is not safe.
    ///
    /// - Throws: `usage` with the worst finding.
    func refuseUnlessSafe(called name: String) async throws(OperationError) {
        let report = try await run()
        guard report.verdict != .safe, let worst = report.findings.first(where: { $0.severity == report.verdict })
        else {
            return
        }
        let place = worst.entry.isEmpty ? "" : "\(worst.entry): "
        throw OperationError(
            .usage,
            "\(name) is not published, because it is \(report.verdict == .danger ? "dangerous" : "malformed"): "
                + "\(place)\(worst.detail); `waggle mod scan` shows all")
    }

    /// The scan of bytes, and all of them when they are a picture that is still to be decoded.
    static func scan(_ source: some ByteSource, name: String) throws(OperationError) -> (FileScanReport, [UInt8]?) {
        do throws(ByteSourceError) {
            let report = try FileScan.scan(source, name: name)
            guard report.format == .picture, source.size <= UInt64(PictureDecoder.sourceBytes) else {
                return (report, nil)
            }
            return (report, try source.read(at: 0, count: Int(source.size)))
        } catch {
            switch error {
            case .beyondEnd: throw OperationError(.failed, "\(name): it changed while it was read; try again")
            case .unreadable(let why): throw OperationError(.failed, "\(name): \(why)")
            }
        }
    }

    /// The report with what a decoder in the sandbox says. Without the tools it is not said to be safe.
    static func decoded(_ picture: [UInt8], _ report: FileScanReport) async -> FileScanReport {
        var report = report
        do throws(SandboxError) {
            switch try await PictureDecoder().decode(picture) {
            case .refused(let why): report.add(ScanFinding(.picture, .malformed, why))
            case .picture(let pdq): (report.pdq, report.quality) = (pdq.hash.hex, pdq.quality)
            }
        } catch {
            report.add(ScanFinding(.picture, .malformed, "it was not decoded: \(error)"))
        }
        return report
    }
}
