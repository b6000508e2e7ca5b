public import Accounts
public import BlobStore
public import Catalog
public import Economy
public import Federation
public import Generation
public import Identity
public import Ledger
public import Moderation
public import PostLog

// The one place where the modules' errors become words and classes for a user.

extension OperationError {
    public init(_ error: BlobError) {
        let code: Code =
            switch error {
            case .notFound, .noFile: .notFound
            case .badUnit, .rootMismatch, .hashMismatch, .damaged, .changedOnDisk: .integrity
            case .exists, .conflict, .alreadyHeld: .conflict
            case .diskFull, .overBudget, .tooLarge, .tooManyFiles: .limits
            case .unreadable, .readOnly, .purged: .auth
            default: .failed
            }
        self.init(code, error.description)
    }

    public init(_ error: PostLogError) {
        if case .diskFull = error {
            self.init(.limits, error.message)
        } else {
            self.init(.failed, error.message)
        }
    }

    public init(_ error: ModerationError) {
        switch error {
        case .limit, .diskFull: self.init(.limits, error.message)
        case .askedAlready: self.init(.conflict, error.message)
        case .database, .cancelled: self.init(.failed, error.message)
        }
    }

    public init(_ error: PostError) {
        self.init(.usage, error.message)
    }

    public init(_ error: PeerError) {
        let code: Code =
            switch error {
            case .invalidAddress, .ownNode: .usage
            case .wrongNode: .auth
            default: .network
            }
        self.init(code, error.message)
    }

    public init(_ error: PeerStoreError) {
        switch error {
        case .noSuchPeer, .noSuchRule: self.init(.notFound, error.message)
        case .database: self.init(.failed, error.message)
        }
    }

    public init(_ error: FetchError) {
        switch error {
        case .store(let error): self.init(error)
        case .contradiction: self.init(.integrity, error.message)
        case .noSource, .sourcesFailed: self.init(.network, error.message)
        }
    }

    public init(_ error: CatalogError) {
        switch error {
        case .badCursor, .limit: self.init(.usage, error.message)
        default: self.init(.failed, error.message)
        }
    }

    public init(_ error: LedgerError) {
        let code: Code =
            switch error {
            case .malformed: .usage
            case .unknownCurrency: .notFound
            case .wrongKey, .olderThanKey: .auth
            case .refused(let code, _): [.unauthorized, .frozen].contains(code) ? .auth : .failed
            case .unreachable: .network
            case .stopped: .conflict
            case .untrusted, .damaged: .integrity
            case .busy, .diskFull: .limits
            case .database: .failed
            }
        if case .refused = error {
            self.init(code, error.message, isRefused: true)
        } else {
            self.init(code, error.message)
        }
    }

    public init(_ error: EconomyError) {
        if case .diskFull = error {
            self.init(.limits, error.message)
        } else {
            self.init(.failed, error.message)
        }
    }

    public init(_ error: AuditFailure) {
        self.init(.integrity, error.message)
    }

    public init(_ error: AccountsError) {
        if case .tooManyPosts(_, let seconds) = error {
            self.init(.rate, error.message, retryAfter: seconds == .max ? nil : seconds)
            return
        }
        let code: Code =
            switch error {
            case .badHandle, .weakPassphrase, .longPassphrase, .scopes, .applicationNeeded, .keyReused: .usage
            case .handleTaken, .authorTaken, .keyInUse, .lastAdmin, .notPending: .conflict
            case .noAccount, .noToken: .notFound
            case .registrationClosed, .inviteNeeded, .badInvite, .wrongCredentials, .pending, .disabled, .moved,
                .badChallenge, .badSetupToken, .ageNeeded, .rejected:
                .auth
            case .tooManyAttempts, .tooManyPosts, .busy, .limit: .limits
            case .cancelled, .database: .failed
            }
        self.init(code, error.message)
    }

    /// What an intake result other than `new` and `have` means to the one who published.
    init?(_ result: IntakeResult) {
        switch result {
        case .new, .have: return nil
        case .invalid(let reason), .unauthorised(let reason): self.init(.failed, "the node refuses the post: \(reason)")
        case .policy(let reason): self.init(.limits, "this node does not take the post: \(reason)")
        case .rate(let seconds):
            self.init(.rate, "too many posts at once; try again in \(seconds) s", retryAfter: UInt64(seconds))
        case .future: self.init(.failed, "the clock of this machine went back; set it right and try again")
        case .parked: self.init(.auth, "the key documents of the signing account are missing; run `waggle init`")
        }
    }

    public init(_ error: GenerationError) {
        let code: Code =
            switch error {
            case .badField, .tooLong, .tooMany, .nameIsPath: .usage
            case .unknownResource, .unknownJob, .withdrawn, .changed, .noEngine, .noAnswer: .notFound
            case .unsafeFile, .quarantined: .integrity
            case .paused, .cancelled: .conflict
            case .queueFull, .tooManyJobs, .tooLarge, .outOfMemory: .limits
            case .noSandbox, .notInstalled, .crashed, .timedOut, .tookTooLong, .engine, .loraNotApplied, .flatPicture,
                .wrongSize, .badReply, .payment, .database:
                .failed
            }
        self.init(code, error.message)
    }
}
