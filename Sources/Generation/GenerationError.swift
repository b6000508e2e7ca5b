import WaggleProtocol

/// Why a picture is not drawn. Every case says what is wrong with which part of a request, or what became of it.
public enum GenerationError: Error, Hashable, Sendable {
    // Of a request, before anything is done.
    /// A field has a value that it cannot have; `expected` says which it can.
    case badField(field: String, value: String, expected: String)
    /// A field is larger than it may be.
    case tooLong(field: String, bytes: Int, limit: Int)
    /// Too many of something.
    case tooMany(what: String, count: Int, limit: Int)
    /// A name in a prompt that is a place in a folder.
    case nameIsPath(String)

    // Of files.
    /// A model or LoRA that is not here or may not be seen.
    case unknownResource(String)
    /// A file that no engine is given.
    case unsafeFile(name: String, why: String)
    /// A model set under which engines died before.
    case quarantined(name: String)
    /// A file that was here when the job was asked for, and is not any more.
    case withdrawn(name: String)
    /// A file that was written to or replaced while it was drawn with: what came of it is not of that model.
    case changed(name: String)

    // Of the node.
    case noEngine(String)
    /// The program elsewhere that draws for this node cannot be reached.
    case noAnswer(url: String, why: String)
    /// Why a set-up came to nothing; an engine that was there is there still.
    case notInstalled(String)
    case noSandbox(String)
    case paused
    case queueFull(limit: Int)
    case tooManyJobs(limit: Int)
    case tooLarge(needs: UInt64, free: UInt64)
    case unknownJob(String)

    // Of a job that ran.
    case crashed(String)
    /// It gave no sign of life for so long.
    case timedOut(what: String, seconds: UInt64)
    /// It gave signs of life, and was not done in the time that a job may take.
    case tookTooLong(seconds: UInt64)
    case outOfMemory
    /// What the engine said.
    case engine(String)
    case loraNotApplied(name: String)
    case flatPicture
    case wrongSize(width: Int, height: Int, asked: String)
    case badReply(String)
    case cancelled
    case payment(String)
    case database(String)

    /// A word for programs.
    public var code: String {
        switch self {
        case .badField, .tooLong, .tooMany, .nameIsPath: "invalid_request"
        case .unknownResource: "unknown_resource"
        case .unsafeFile: "model_invalid"
        case .quarantined: "quarantined"
        case .withdrawn, .changed: "withdrawn"
        case .noEngine, .noAnswer: "engine_missing"
        case .notInstalled: "setup_failed"
        case .noSandbox: "sandbox_missing"
        case .paused: "paused"
        case .queueFull, .tooManyJobs: "busy"
        case .tooLarge, .outOfMemory: "oom"
        case .unknownJob: "unknown_job"
        case .crashed: "crashed"
        case .timedOut, .tookTooLong: "timeout"
        case .engine: "engine_failed"
        case .loraNotApplied: "lora_not_applied"
        case .flatPicture: "flat_image"
        case .wrongSize: "wrong_size"
        case .badReply: "bad_reply"
        case .cancelled: "cancelled"
        case .payment: "payment"
        case .database: "failed"
        }
    }

    /// Whether the engine may have died of the files. How much memory and time a job takes depends on what was asked for, and
    /// how much there is on the machine: whoever asks for too much must not take the files from everybody else.
    public var blamesFiles: Bool {
        switch self {
        case .crashed, .timedOut: true
        default: false
        }
    }

    /// Whether the same job may go well when it is begun anew.
    public var isWorthAnotherTry: Bool {
        if case .crashed = self { true } else { false }
    }

    public var message: String {
        switch self {
        case .badField(let field, let value, let expected):
            "\(field) cannot be \"\(value.prefix(80))\": expected \(expected)"
        case .tooLong(let field, let bytes, let limit): "\(field) has \(bytes) bytes; it may have \(limit)"
        case .tooMany(let what, let count, let limit): "\(count) \(what) are too many; \(limit) are possible"
        case .nameIsPath(let name):
            "\"\(name.prefix(80))\" is a path; models and LoRAs are called by name, such as <lora:my-lora:0.8>"
        case .unknownResource(let name): "no model or LoRA \"\(name.prefix(200))\" is on this node"
        case .unsafeFile(let name, let why): "\(name) is not given to an engine: \(why)"
        case .quarantined(let name):
            "\(name) brought the engine down twice and is put aside; `waggle gen doctor` lists such files"
        case .withdrawn(let name): "\(name) is not here any more"
        case .changed(let name):
            "the file of \(name) was changed while it was drawn with, so the picture is not kept; try again when nothing "
                + "writes to it"
        case .noEngine(let why): "this node cannot draw: \(why); `waggle gen setup` installs an engine"
        case .noAnswer(let url, let why):
            "this node cannot draw: \(url) does not answer: \(why); start the program there, or name another in "
                + "generation.backend"
        case .notInstalled(let why): "no engine was installed: \(why)"
        case .noSandbox(let why):
            "no engine is started without a sandbox: \(why); install bubblewrap, or set generation.sandbox = \"off\" "
                + "if you trust every model file here"
        case .paused: "the node takes no jobs for now"
        case .queueFull(let limit): "\(limit) jobs wait already; try again later"
        case .tooManyJobs(let limit): "you have \(limit) jobs that wait; more are taken when one is done"
        case .tooLarge(let needs, let free):
            "this needs \(needs >> 20) MiB of memory, and \(free >> 20) MiB are free; a smaller picture or model may do"
        case .unknownJob(let id): "there is no job \(id.prefix(80))"
        case .crashed(let why): "the engine stopped: \(why)"
        case .timedOut(let what, let seconds): "\(what) took longer than \(seconds) seconds"
        case .tookTooLong(let seconds): "the job took longer than \(seconds) seconds"
        case .outOfMemory: "the engine ran out of memory"
        case .engine(let why): "the engine says: \(why)"
        case .loraNotApplied(let name): "the LoRA \(name) does not fit this model: the engine did not apply it whole"
        case .flatPicture: "the engine drew one colour only; the model or a LoRA is damaged"
        case .wrongSize(let width, let height, let asked): "the engine drew \(width)x\(height) instead of \(asked)"
        case .badReply(let why): "the drawing program answers what makes no sense: \(why)"
        case .cancelled: "cancelled"
        case .payment(let why): "the payment: \(why)"
        case .database(let why): "the list of jobs: \(why)"
        }
    }
}
