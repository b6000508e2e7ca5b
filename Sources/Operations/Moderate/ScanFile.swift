public import Formats
import Media
public import SystemPackage

/// `waggle mod scan FILE`: what the scanners of this node say of a file, before anything opens it.
///
/// It is no `Operation`, because it needs no node and no home. Ingest asks the same code.
public struct ScanFile: Sendable {
    public let path: FilePath
    public let tools: ScanTools

    public init(_ path: FilePath, tools: ScanTools = .none) {
        self.path = path
        self.tools = tools
    }

    /// - Throws: `notFound`, `usage` for what is no regular file, `failed` when it cannot be read or a scanner failed.
    public func run() async throws(OperationError) -> FileScanReport {
        try await FileScanner(tools: tools).scan(path).report
    }

    /// Refuses what is not safe.
    ///
    /// - Throws: `usage` with the worst finding.
    func refuseUnlessSafe(called name: String) async throws(OperationError) -> FileScanner.Scanned {
        let scanned = try await FileScanner(tools: tools).scan(path)
        let report = scanned.report
        guard report.verdict != .safe, let worst = report.findings.first(where: { $0.severity == report.verdict })
        else {
            return scanned
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
}
