extension Templates {
    /// Everything below the main part of a page.
    static let foot = """
        </main>
        <footer>
        <p>{{nodeName}} · {{software}} · node <code>{{nodeID}}</code></p>
        </footer>
        </body>
        </html>
        """
}
