extension Templates {
    /// Where pictures are asked for. Nothing needs a script: what is left empty is what the model's author recommends.
    static let generate = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[draw-a-picture]]</h1>
        <p class="by">{{standing}}{{#historyHref}} · <a href="{{.}}">[[your-pictures]]</a>{{/historyHref}}</p></div>
        {{#trouble}}<p role="alert"><b>{{.}}</b></p>{{/trouble}}
        {{#quoted}}<p role="status"><b>{{.}}</b></p>{{/quoted}}
        {{#hasProblem}}<p role="note"><strong>[[nothing-can-be-drawn-here-yet]]</strong> \
        {{#problem}}{{problemWords}}{{#problemCommand}}<code>{{.}}</code>{{/problemCommand}}{{/problem}}</p>{{/hasProblem}}
        {{#offersEngine}}<form action="/generate/setup" method="post"><p><button name="bring" value="engine">[[install-the-engine]]</button> \
        <span class="by">[[stable-diffusion-cpp-from-the-python]]</span></p></form>{{/offersEngine}}
        {{#offersDemo}}<form action="/generate/setup" method="post"><p><button name="bring" value="demo">[[publish-the-demo-model]]</button> \
        <span class="by">[[a-very-small-model-that-draws]]</span></p></form>{{/offersDemo}}
        {{#source}}<figure class="part"><img src="{{smallSource}}" width="{{width}}" height="{{height}}" alt="{{alt}}">\
        <figcaption class="by">[[remix-of-this-picture]]</figcaption></figure>{{/source}}
        {{#missing}}{{#first()}}<section class="part" aria-labelledby="missing"><h2 id="missing">[[not-on-this-node]]</h2>\
        <ul class="rows">{{/first()}}<li>{{missingKind}}: {{#missingHref}}<a href="{{.}}"><bdi>{{missingName}}</bdi></a>{{/missingHref}}\
        {{^missingHref}}<bdi>{{missingName}}</bdi>{{/missingHref}}{{#missingCommand}}<p class="by">[[the-operator-fetches-it]] \
        <code>{{.}}</code></p>{{/missingCommand}}{{#fetchState}}<p class="by" role="status">{{.}}</p>{{/fetchState}}\
        {{#fetchFile}}<form action="/generate/fetch" method="post"><p><input type="hidden" name="from" value="{{from}}">\
        <button class="quiet" name="file" value="{{.}}">[[fetch-it]]</button> <span class="by">{{fetchWords}}</span></p></form>{{/fetchFile}}</li>{{#last()}}</ul></section>{{/last()}}{{/missing}}
        {{#canDraw}}<form action="/generate" method="post" class="part filters">
        {{#from}}<input type="hidden" name="from" value="{{.}}">{{/from}}
        {{#quote}}<input type="hidden" name="quote" value="{{.}}">{{/quote}}
        <p><label for="model">[[model]]</label>
        <select id="model" name="model" required>{{#models}}<option value="{{optionValue}}"{{#isChosen}} selected{{/isChosen}}>\
        {{optionName}}</option>{{/models}}</select></p>
        <p><label for="prompt">[[what-to-draw]]</label>
        <textarea id="prompt" name="prompt" rows="4" maxlength="16384" required>{{prompt}}</textarea></p>
        <p><label for="negative">[[what-not-to-draw]]</label>
        <input id="negative" name="negative" value="{{negative}}" maxlength="16384"></p>
        <p><button name="do" value="draw">[[draw]]</button>{{#isPriced}} <button class="quiet" name="do" value="quote">\
        [[show-the-price]]</button>{{/isPriced}}</p>
        <details{{#isFull}} open{{/isFull}}><summary>[[everything-else]]</summary>
        <p class="by">[[what-is-empty-is-what-the]]</p>
        <p><label for="width">[[width-pixels]]</label><input id="width" name="width" inputmode="numeric" value="{{width}}" size="6"></p>
        <p><label for="height">[[height-pixels]]</label><input id="height" name="height" inputmode="numeric" value="{{height}}" size="6"></p>
        <p><label for="steps">[[steps]]</label><input id="steps" name="steps" inputmode="numeric" value="{{steps}}" size="6"></p>
        <p><label for="cfg">[[cfg-scale]]</label><input id="cfg" name="cfg" inputmode="decimal" value="{{cfg}}" size="6"></p>
        <p><label for="seed">[[seed]]</label><input id="seed" name="seed" inputmode="numeric" value="{{seed}}" size="20" placeholder="[[a-new-one]]"></p>
        <p><label for="batch">[[pictures-each-with-the-next-seed]]</label><input id="batch" name="batch" inputmode="numeric" value="{{batch}}" size="3"></p>
        <p><label for="sampler">[[sampler]]</label><select id="sampler" name="sampler">{{#samplers}}<option value="{{optionValue}}"\
        {{#isChosen}} selected{{/isChosen}}>{{optionName}}</option>{{/samplers}}</select></p>
        <p><label for="scheduler">[[schedule]]</label><select id="scheduler" name="scheduler">{{#schedulers}}<option value="{{optionValue}}"\
        {{#isChosen}} selected{{/isChosen}}>{{optionName}}</option>{{/schedulers}}</select></p>
        <p><label for="clip">[[clip-skip]]</label><input id="clip" name="clip" inputmode="numeric" value="{{clip}}" size="3"></p>
        <p><label for="format">[[file-format]]</label><select id="format" name="format">{{#formats}}<option value="{{optionValue}}"\
        {{#isChosen}} selected{{/isChosen}}>{{optionName}}</option>{{/formats}}</select></p>
        {{#loraRows}}<p><label for="lora{{row}}">[[lora]]</label><select id="lora{{row}}" name="lora">{{#options}}<option value="{{optionValue}}"\
        {{#isChosen}} selected{{/isChosen}}>{{optionName}}</option>{{/options}}</select>
        <label for="weight{{row}}">[[strength]]</label><input id="weight{{row}}" name="weight" inputmode="decimal" value="{{weight}}" size="5"></p>{{/loraRows}}
        {{#initImage}}<p class="choice"><input type="checkbox" id="edit" name="edit" value="{{.}}"{{#isEdit}} checked{{/isEdit}}>\
        <label for="edit">[[start-from-the-picture-above]]</label></p>
        <p><label for="strength">[[how-much-of-it-is-drawn]]</label><input id="strength" name="strength" inputmode="decimal" \
        value="{{strength}}" size="5"></p>{{/initImage}}
        </details>
        </form>{{/canDraw}}
        </article>
        {{>foot}}
        """

    /// A job; the page comes again by itself until it is over.
    static let job = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>{{heading}}</h1><p class="by">{{words}}</p></div>
        {{#error}}<p role="alert"><b>{{.}}</b></p>{{/error}}
        {{#isOpen}}<p><progress value="{{progress}}" max="100">{{progress}} %</progress></p>\
        <p class="by">[[this-page-looks-again-every-two]]</p>{{/isOpen}}
        {{#preview}}<p><img src="{{previewHref}}" width="{{width}}" height="{{height}}" alt="[[the-picture-as-far-as-it]]"></p>{{/preview}}
        <ul class="feed">{{#pictures}}<li class="card"><a href="{{pictureHref}}"><img src="{{pictureHref}}" width="{{width}}" \
        height="{{height}}" alt="{{alt}}"></a><p class="by">[[seed-download-with-its-recipe]]</p>{{#opinion}}<p class="by">{{.}}</p>{{/opinion}}\
        {{#rateHref}}<form action="{{.}}" method="post"><p><button class="quiet" name="is" value="good">[[it-is-good]]</button> \
        <button class="quiet" name="is" value="bad">[[it-is-not]]</button></p><p class="by">[[what-you-say-names-the-models]]</p></form>\
        {{/rateHref}}</li>{{/pictures}}</ul>
        <section aria-labelledby="prompt"><h2 id="prompt">[[prompt]]</h2><p class="quote">{{prompt}}</p></section>
        {{#negative}}<section aria-labelledby="negative"><h2 id="negative">[[negative-prompt]]</h2><p class="quote">{{.}}</p></section>{{/negative}}
        <section class="part" aria-labelledby="facts"><h2 id="facts">[[recipe]]</h2>{{>factlist}}</section>
        {{#canCancel}}<form action="/generate/jobs/{{jobID}}/cancel" method="post"><p><button class="quiet">[[cancel]]</button></p></form>{{/canCancel}}
        {{#canPost}}<form action="/generate/jobs/{{jobID}}/post" method="post"><p><label for="level">[[level]]</label> \
        <select id="level" name="level">{{#levels}}<option>{{.}}</option>{{/levels}}</select> <button>[[post-it]]</button></p></form>{{/canPost}}
        <p><a class="button" href="{{againHref}}">[[draw-another]]</a></p>
        </article>
        {{>foot}}
        """

    /// Somebody's own jobs.
    static let jobs = """
        {{>head}}
        <article class="reading">
        <div class="top"><h1>[[your-pictures]]</h1></div>
        {{#hasJobs}}<ul class="rows">{{#items}}<li><a href="{{jobHref}}"><bdi>{{jobPrompt}}</bdi></a>\
        <p class="by">{{jobWords}}</p></li>{{/items}}</ul>{{/hasJobs}}
        {{^hasJobs}}<section class="empty"><p>[[nothing-was-drawn-yet]]</p></section>{{/hasJobs}}
        {{#earlier}}<p class="more"><a class="quiet button" href="{{.}}">[[earlier]]</a></p>{{/earlier}}
        <p><a class="button" href="/generate">[[draw-a-picture]]</a></p>
        </article>
        {{>foot}}
        """
}
