import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore
import Operations
import Synchronization
import WaggleProtocol

/// A form of somebody without an account that brings files beside words: held in memory, within bounds, until the request is
/// kept or refused.
///
/// Words are few and need no place. Whoever sends files has one from the first of them on, until `leave`.
struct EvidenceForm: Sendable {
    private(set) var typed: [(name: String, value: String)] = []
    private(set) var files: [AttachedFile] = []
    /// Why the form was not taken as a whole: `badRequest` for what is no such form, `tooManyRequests` when there is no place,
    /// `bodyTooLarge`, `bodyTooSlow`. What was typed until then is kept.
    private(set) var refusal: (any Error)?
    private var current: (name: String, bytes: Data)?
    private let address: String
    private let places: AddressPlaces
    private var hasPlace = false

    private init(_ address: String, _ places: AddressPlaces) {
        self.address = address
        self.places = places
    }

    /// Reads a form, as long as it comes at a pace: silence does not buy time.
    ///
    /// - Parameter address: where it comes from, as `RemoteAddress` counts it.
    static func read(
        _ body: RequestBody, type: String?, from address: String, _ places: AddressPlaces, clock: any Clock<Duration>
    ) async -> EvidenceForm {
        let progress = Progress()
        return await withTaskGroup(of: EvidenceForm?.self) { group in
            var form = EvidenceForm(address, places)
            group.addTask { [form] in
                var form = form
                do {
                    try await form.take(body, type, progress)
                } catch {
                    (form.files, form.refusal) = ([], error)
                }
                return form
            }
            group.addTask {
                await progress.runsOut(clock)
                return nil
            }
            var (isRead, isLate) = (false, false)
            for await ended in group {
                if let ended { (form, isRead) = (ended, true) } else { isLate = !isRead }
                group.cancelAll()
            }
            if isLate, form.refusal != nil { form.refusal = GatewayError.bodyTooSlow }
            return form
        }
    }

    /// Gives the place back, once the files are kept or refused.
    func leave() {
        if hasPlace { places.give(address) }
    }

    private mutating func take(_ body: RequestBody, _ type: String?, _ progress: Progress) async throws {
        guard let type, var reader = MultipartReader(contentType: type) else {
            throw GatewayError.badRequest(code: "bad-form", "Send the files with the form of this page")
        }
        for try await piece in body {
            let read = progress.add(piece.readableBytes)
            guard read <= Limits.Cases.attachedBytesPerRequest + Limits.Gateway.formBytes else {
                throw GatewayError.bodyTooLarge(limit: Limits.Cases.attachedBytesPerRequest)
            }
            for event in try reader.take(piece.readableBytesView) { try take(event) }
            guard hasPlace || read <= Limits.Gateway.formBytes else {
                throw GatewayError.bodyTooLarge(limit: Limits.Gateway.formBytes)
            }
        }
        guard reader.isComplete else {
            throw GatewayError.badRequest(code: "cut", "The form was cut on its way; send it again")
        }
    }

    private mutating func take(_ event: MultipartReader.Event) throws {
        switch event {
        case .field(let name, let value): typed.append((name, value))
        case .begin(_, let name):
            guard !name.isEmpty else { return }
            if !hasPlace { hasPlace = places.take(address) }
            guard hasPlace else { throw GatewayError.tooManyRequests(retryAfter: 30) }
            current = (name, Data())
        case .bytes(let bytes):
            guard current != nil else { return }
            current?.bytes.append(contentsOf: bytes)
            guard current?.bytes.count ?? 0 <= Limits.Cases.attachedBytes else {
                throw GatewayError.bodyTooLarge(limit: Limits.Cases.attachedBytes)
            }
        case .end:
            guard let file = current else { return }
            current = nil
            guard files.count < Limits.Cases.attachedFiles else {
                throw GatewayError.unprocessable(
                    code: "too-many-files", "A request brings at most \(Limits.Cases.attachedFiles) files")
            }
            files.append(AttachedFile(name: file.name, bytes: file.bytes))
        }
    }

    /// How much of a body has come, and how long that pays for.
    private final class Progress: Sendable {
        private let read = Atomic(0)

        /// - Returns: bytes until now.
        func add(_ count: Int) -> Int { read.add(count, ordering: .relaxed).newValue }

        /// Returns when the time that the bytes until then paid for is over, or the task is cancelled.
        func runsOut(_ clock: any Clock<Duration>) async {
            var waited: Int64 = 0
            while true {
                let paid = Limits.Gateway.bodySeconds + Int64(read.load(ordering: .relaxed) / Limits.Cases.attachedPace)
                guard paid > waited, (try? await clock.sleep(for: .seconds(paid - waited))) != nil else { return }
                waited = paid
            }
        }
    }
}
