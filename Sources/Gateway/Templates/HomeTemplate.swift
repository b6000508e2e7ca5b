extension Templates {
    /// The feed of models and images.
    static let home = """
        {{>head}}
        {{#isEmptyNode}}
        <section class="empty">
        <h1>Nothing here yet</h1>
        <p>This node is up and holds no models that visitors may see. Share one, or follow somebody who does:</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0
        waggle peer add https://node.example</code></pre>
        </section>
        {{/isEmptyNode}}
        {{^isEmptyNode}}
        <div class="top">
        <h1>{{heading}}</h1>
        {{>tabs}}
        </div>
        {{#hasCards}}{{>grid}}{{/hasCards}}
        {{^hasCards}}<section class="empty"><p>Nothing of this node's own people is here yet.</p>\
        <p><a class="button" href="/">Show the whole network</a></p></section>{{/hasCards}}
        {{>pager}}
        {{/isEmptyNode}}
        {{>foot}}
        """
}
