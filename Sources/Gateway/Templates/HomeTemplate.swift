extension Templates {
    /// The feed of models and images.
    static let home = """
        {{>head}}
        <h1 class="{{#isFirst}}unseen{{/isFirst}}">{{#isFirst}}Models and images{{/isFirst}}{{^isFirst}}Earlier{{/isFirst}}</h1>
        {{#isEmpty}}
        <section class="empty">
        <h2>Nothing here yet</h2>
        <p>This node is up and holds no models that visitors may see. Share one, or follow somebody who does:</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0
        waggle peer add https://node.example</code></pre>
        </section>
        {{/isEmpty}}
        {{^isEmpty}}
        <ul class="feed">
        {{#cards}}{{>card}}{{/cards}}
        </ul>
        {{#nextPage}}<nav class="more" aria-label="Pages"><a class="button" rel="next" href="{{.}}">Show earlier</a></nav>{{/nextPage}}
        {{/isEmpty}}
        {{>foot}}
        """
}
