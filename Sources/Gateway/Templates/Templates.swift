/// The mustache templates of all pages, one a file, in the binary: a node is one file to install.
enum Templates {
    static let all = [
        "head": head, "foot": foot, "card": card, "home": home, "model": model, "image": image, "error": error,
        "paragraphs": paragraphs,
    ]
}
