extension Templates {
    /// Everything below the main part of a page.
    static let foot = """
        </main>
        <footer>
        <div class="wide-as-main">
        <ul class="links"><li><a href="/about">About</a></li><li><a href="/tags">Tags</a></li><li><a href="/base">Base models</a></li>\
        <li><a href="/articles">Articles</a></li><li><a href="/workflows">Workflows</a></li>\
        <li><a href="/buzz">Buzz</a></li><li><a href="/federation">Other nodes</a></li></ul>
        <p>{{nodeName}} · {{software}} · node <code>{{nodeID}}</code></p>
        </div>
        </footer>
        </body>
        </html>
        """
}
