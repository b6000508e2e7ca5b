extension Templates {
    /// What this node is.
    static let about = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>About {{nodeName}}</h1></div>
        <div class="prose">
        <p>This is a node of a network for AI-art models. It shows models and images that people published here or on nodes that \
        it follows, checks every signature, and serves the files that it keeps.</p>
        <p>Federation: nodes exchange signed posts and files with each other. Nobody owns the network, and a model stays \
        available as long as any node keeps it.</p>
        </div>
        <section class="part" aria-labelledby="facts"><h2 id="facts">In numbers</h2>{{>factlist}}</section>
        <ul class="words"><li><a href="/rules">Rules</a></li><li><a href="/status">Status</a></li>\
        <li><a href="/federation">Other nodes</a></li><li><a href="/help">Help</a></li></ul>
        </article>
        {{>foot}}
        """

    /// What the operator and the program hold everybody to.
    static let rules = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>Rules of {{nodeName}}</h1></div>
        {{#rules}}<div class="prose">{{{.}}}</div>{{/rules}}
        {{^rules}}<div class="prose"><p>The operator of this node has not written rules of their own. What holds on every node is below.</p></div>{{/rules}}
        <section class="part" aria-labelledby="always"><h2 id="always">On every node</h2>
        <ul class="trust plain"><li>Everything that is published is signed by a person, who stands by it.</li>
        <li>Who shows somebody needs their consent: models say whether they depict a real person.</li>
        <li>Sexual images of minors are removed, everywhere, at once.</li>
        <li>What is taken down here stays down here, under whatever name it comes again; other nodes decide for themselves.</li></ul></section>
        <section class="part" aria-labelledby="levels"><h2 id="levels">Levels</h2>{{>factlist}}</section>
        </article>
        {{>foot}}
        """

    /// How the node is.
    static let status = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{#isAllWell}}All is well{{/isAllWell}}{{^isAllWell}}Something needs a look{{/isAllWell}}</h1>
        <p class="by">How {{nodeName}} is doing right now.</p></div>
        <ul class="trust plain">{{#statusParts}}<li{{^isWell}} class="no"{{/isWell}}><strong>{{statusTerm}}</strong>: \
        {{statusWords}}{{^isWell}} (needs a look){{/isWell}}</li>{{/statusParts}}</ul>
        <p>Programs ask <a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a>.</p>
        </article>
        {{>foot}}
        """

    /// How to do what people come for.
    static let help = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>Help</h1></div>
        <div class="prose">
        <h2>Find a model</h2>
        <p>Search words of a name, a tag, a creator, or any hash of a file. <a href="/models">Models</a> can be filtered by base \
        model, type, licence and tags; the address of a filtered list can be shared.</p>
        <h2>Download it</h2>
        <p>Press Download on a model's page, or use the command below it: <code>waggle get</code> fetches from every node that has \
        the file, checks it while it comes, and puts it into the right folder of ComfyUI, Automatic1111 or Forge.</p>
        <h2>Know that it is the right file</h2>
        <p>Every release is signed by its maker and names its files by SHA-256. <a href="/verify">Check a file</a> tells who signed one \
        that you have, without sending it anywhere when scripts are on.</p>
        <h2>Use other programs</h2>
        <p>Programs that know Civitai or the Hugging Face Hub work with this node's address instead:</p>
        <pre><code>HF_ENDPOINT={{base}}
        {{base}}/api/v1/models</code></pre>
        <p>The node's own API is described in <a href="/openapi.json">openapi.json</a>.</p>
        <h2>Share a model of your own</h2>
        <pre><code>waggle publish my-lora.safetensors --model @me/my-lora --version 1.0</code></pre>
        <h2>Words</h2>
        <dl><div><dt>Release</dt><dd>one version of a model, with its files, signed</dd></div>
        <div><dt>Node</dt><dd>a site like this one; nodes exchange what people sign</dd></div>
        <div><dt>Verified</dt><dd>the signed recipe of a picture names exactly this file</dd></div>
        <div><dt>Matched</dt><dd>a short hash in the recipe fits one file here</dd></div></dl>
        </div>
        </article>
        {{>foot}}
        """
}
