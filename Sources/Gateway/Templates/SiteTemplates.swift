extension Templates {
    /// What this node is.
    static let about = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[about-2]] {{nodeName}}</h1></div>
        <div class="prose">
        <p>[[this-is-a-node-of-a]]</p>
        <p>[[federation-nodes-exchange-signed-posts-and]]</p>
        </div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[in-numbers]]</h2>{{>factlist}}</section>
        <ul class="words"><li><a href="/rules">[[rules]]</a></li><li><a href="/status">[[status]]</a></li>\
        <li><a href="/federation">[[other-nodes]]</a></li><li><a href="/help">[[help]]</a></li></ul>
        </article>
        {{>foot}}
        """

    /// What the operator and the program hold everybody to.
    static let rules = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[rules-of]] {{nodeName}}</h1></div>
        {{#rules}}<div class="prose">{{{.}}}</div>{{/rules}}
        {{^rules}}<div class="prose"><p>[[the-operator-of-this-node-has]]</p></div>{{/rules}}
        <section class="part" aria-labelledby="always"><h2 id="always">[[on-every-node]]</h2>
        <ul class="trust plain"><li>[[everything-that-is-published-is-signed]]</li>
        <li>[[who-shows-somebody-needs-their-consent]]</li>
        <li>[[sexual-images-of-minors-are-removed]]</li>
        <li>[[what-is-taken-down-here-stays]]</li></ul></section>
        <section class="part" aria-labelledby="levels"><h2 id="levels">[[levels]]</h2>{{>factlist}}</section>
        </article>
        {{>foot}}
        """

    /// How the node is.
    static let status = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{#isAllWell}}[[all-is-well]]{{/isAllWell}}{{^isAllWell}}[[something-needs-a-look]]{{/isAllWell}}</h1>
        <p class="by">[[how-is-doing-right-now]]</p></div>
        <ul class="trust plain">{{#statusParts}}<li{{^isWell}} class="no"{{/isWell}}><strong>{{statusTerm}}</strong>: \
        {{statusWords}}{{^isWell}} ([[needs-a-look]]){{/isWell}}</li>{{/statusParts}}</ul>
        <p>[[programs-ask-healthz-and-readyz]]</p>
        </article>
        {{>foot}}
        """

    /// How to do what people come for.
    static let help = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[help]]</h1></div>
        <div class="prose">
        <h2>[[find-a-model]]</h2>
        <p>[[search-words-of-a-name-a]]</p>
        <h2>[[download-it]]</h2>
        <p>[[press-download-on-a-models-page]]</p>
        <h2>[[know-that-it-is-the-right]]</h2>
        <p>[[every-release-is-signed-by-its]]</p>
        <h2>[[use-other-programs]]</h2>
        <p>[[programs-that-know-civitai-or-the]]</p>
        <pre><code>HF_ENDPOINT={{base}}
        {{base}}/api/v1/models</code></pre>
        <p>[[the-nodes-own-api-is-described]]</p>
        <h2>[[keys]]</h2>
        <p data-keys>[[keys-of-pages]]</p>
        <h2>[[share-a-model-of-your-own]]</h2>
        <p>[[publish-brings-a-file-from-the]]</p>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0</code></pre>
        <h2>[[words]]</h2>
        <dl><div><dt>[[release]]</dt><dd>[[one-version-of-a-model-with]]</dd></div>
        <div><dt>[[node-2]]</dt><dd>[[a-site-like-this-one-nodes]]</dd></div>
        <div><dt>[[verified]]</dt><dd>[[the-signed-recipe-of-a-picture]]</dd></div>
        <div><dt>[[matched]]</dt><dd>[[a-short-hash-in-the-recipe]]</dd></div></dl>
        </div>
        </article>
        {{>foot}}
        """
}
