extension Templates {
    /// Everything below the main part of a page.
    static let foot = """
        </main>
        <footer>
        <div class="wide-as-main">
        <ul class="links"><li><a href="/about">About</a></li><li><a href="/rules">Rules</a></li><li><a href="/help">Help</a></li>\
        <li><a href="/verify">Check a file</a></li>\
        <li><a href="/status">Status</a></li><li><a href="/tags">Tags</a></li><li><a href="/base">Base models</a></li>\
        <li><a href="/articles">Articles</a></li><li><a href="/workflows">Workflows</a></li>\
        <li><a href="/bounties">Bounties</a></li>\
        <li><a href="/buzz">Buzz</a></li><li><a href="/federation">Other nodes</a></li></ul>
        <form class="words" action="/theme" method="post" aria-label="Colours">\
        <button name="theme" value="light">Light</button><button name="theme" value="dark">Dark</button>\
        <button name="theme" value="system">As the system</button></form>
        <p>{{nodeName}} · {{software}} · node <code>{{nodeID}}</code></p>
        </div>
        </footer>
        </body>
        </html>
        """
}
