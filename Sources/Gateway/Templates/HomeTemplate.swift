extension Templates {
    /// The feed of models and images.
    static let home = """
        {{>head}}
        {{#isEmptyNode}}
        <section class="empty">
        <h1>[[nothing-here-yet]]</h1>
        <p>[[this-node-is-up-and-holds]]</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0
        waggle peer add https://node.example</code></pre>
        </section>
        {{/isEmptyNode}}
        {{^isEmptyNode}}
        <div class="top hero">
        <div><h1>{{heading}}</h1>
        <p class="by">{{lead}}</p>
        {{>tabs}}</div>
        <svg viewBox="0 0 158 108" width="158" height="108" aria-hidden="true"><path d="\
        M107 5h14l7 12-7 12H107l-7-12zM82 20h14l7 12-7 12H82l-7-12zM132 20h14l7 12-7 12H132l-7-12z\
        M107 35h14l7 12-7 12H107l-7-12zM132 50h14l7 12-7 12H132l-7-12zM107 65h14l7 12-7 12H107l-7-12z"/>\
        <path opacity=".35" d="\
        M57 5h14l7 12-7 12H57l-7-12zM57 35h14l7 12-7 12H57l-7-12zM82 50h14l7 12-7 12H82l-7-12z\
        M132 80h14l7 12-7 12H132l-7-12zM32 20h14l7 12-7 12H32l-7-12zM7 35h14l7 12-7 12H7l-7-12z\
        M82 80h14l7 12-7 12H82l-7-12z"/></svg>
        </div>
        {{#hasCards}}{{>grid}}{{/hasCards}}
        {{^hasCards}}<section class="empty"><p>[[nothing-of-this-nodes-own-people]]</p>\
        <p><a class="button" href="/">[[show-the-whole-network]]</a></p></section>{{/hasCards}}
        {{>pager}}
        {{/isEmptyNode}}
        {{>foot}}
        """
}
