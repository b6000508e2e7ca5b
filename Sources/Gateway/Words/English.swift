extension PageWords {
    /// English. A translation has the same keys; what stands in angle brackets and braces stays as it is.
    static let english = """
        # Every page
        language = en
        reading = Reading:
        the-file-cannot-be-read = The file cannot be read:
        is-here = is here
        the-connection-broke = the connection broke; it goes on by itself
        it-is-not-all-here-yet = It is not all here yet:
        what-came-is-kept = What came is kept; choose the file again to go on.
        # Bounty
        buzz-that-is-set-aside-for = Buzz that is set aside for whoever makes what somebody wishes for.
        new-bounty = New bounty
        by-entries-until = by <bdi>{{bountyPoster}}</bdi> · entries until
        no-bounty-is-here = No bounty is here
        that-takes-entries = that takes entries
        by = By
        the-currency-is-stopped = The currency is stopped.
        nobody-here-knows-whose-key-decides = <strong>Nobody here knows whose key decides this bounty.</strong> No key document of the node that it names lists that key.
        how-it-stands = How it stands
        entries = Entries
        does-not-count = does not count
        none-yet = None yet.
        backers = Backers
        nothing-is-set-aside-yet = Nothing is set aside yet.
        what-you-can-do = What you can do
        frozen-accounts = Frozen accounts
        no-account-is-frozen = No account is frozen.
        wardens = Wardens
        back-it-or-enter-from-the = Back it or enter, from the command line
        ids = Ids
        bounty = Bounty
        arbiter = Arbiter
        sign-in-to-post-a-bounty = Sign in to post a bounty here, or use the command line:
        neither-the-text-nor-the-rule = Neither the text nor the rule can be changed afterwards: others rely on them. Everything of it is public.
        post-it = Post it
        tip = Tip
        for = For
        who-pays-whom-how-much-and = . Who pays whom, how much and for what is public.
        sign-in-to-tip-here-or = Sign in to tip here, or use the command line:
        in = In
        does-not-agree = Does not agree.
        what-counted = What counted
        who-got-what = Who got what
        nobody = Nobody.
        count-it-again = Count it again
        the-list-of-what-counted-is = The list of what counted is public, and its hash is in the grants. <a href="{{listHref}}">The list</a>; <code>waggle buzz rewards --epoch {{epoch}}</code> on another node compares it with the charter, the posts and the log. Who is a member there is the granter's own word.
        a-currency = A currency
        used-here = Used here:
        creators-can-be-tipped-and-bounties = Creators can be tipped, and bounties backed, in currencies. A node needs none, and can join or found one at any time.
        admins-choose-here-so-does-the = Admins choose here; so does the command line:
        join-one = Join one
        its-log-is-copied-and-audited = Its log is copied and audited here.
        address-of-the-node-that-decides = Address of the node that decides in it
        join = Join
        found-one = Found one
        this-node-alone-decides-in-it = This node alone decides in it and grants: 25 a day to its members, and more for what they do. The currency dies with this node, and its charter never changes.
        name = Name
        symbol-such-as-hny = Symbol, such as HNY
        found = Found
        none-for-now = None for now

        # Buzz
        buzz = Buzz
        creators-are-tipped-in-currencies-each = Creators are tipped in currencies. Each is a signed ledger that anybody can copy and audit; whoever runs it cannot make or lose Buzz unseen. All of it is public: who pays whom, how much, and for what.
        decided-on-this-node = decided on this node
        stopped = Stopped.
        beware = Beware.
        no-currency-is-used-on-this = No currency is used on this node. Its operator can join one of another node, or found one.
        to-the-front-page = To the front page
        change = Change
        copy = Copy
        copied = Copied
        keys = Keys
        key-next = The next in a list
        key-before = The one before
        key-next-page = The next page
        key-write = Write
        keys-of-pages = Everything is reached with Tab and Enter. In a browser with scripts <code>/</code> goes to the search, <code>j</code> and <code>k</code> through a list, <code>n</code> to its next page, <code>c</code> to where you write; <code>?</code> shows them all, and turns them off.
        keys-off = Turn the keys off
        keys-on = Turn the keys on
        close = Close
        goes-on = Go on by itself
        more-are-here = more are here
        the-connection-broke-send-it = The connection broke. Nothing you typed is lost; send it again.
        rules = Rules
        why-the-last-rewards-were-granted = Why the last rewards were granted
        currency-id = Currency id
        an-account-of = An account of
        this-is-from-the-copy-of = This is from the copy of the currency's log that is here; its authority may know more.
        payments = Payments
        earlier = Earlier
        account-id = Account id
        here-since = here since
        about = about
        what-happened = What happened
        proof = Proof
        the-receipt-for = The receipt, for

        # Card
        blurred = Blurred:
        show = Show
        why-here-the-place-of = Why here? The place of {{cardTitle}}
        why-here = Why here?
        pages = Pages
        start-again = Start again
        next = Next

        # Federation
        other-nodes = Other nodes
        exchanging-with = Exchanging with
        deciding-in-currencies = Deciding in currencies
        known-since-score = known since <time datetime="{{nodeSince}}">{{nodeSince}}</time> · {{nodePosts}} · score
        last-error = Last error:
        node-id = Node id
        this-node-exchanges-with-no-other = This node exchanges with no other node yet.
        kept-away = Kept away
        since = since

        # Foot
        about-2 = About
        help = Help
        check-a-file = Check a file
        status = Status
        tags = Tags
        base-models = Base models
        articles = Articles
        workflows = Workflows
        bounties = Bounties
        colours = Colours
        light = Light
        dark = Dark
        as-the-system = As the system
        node = node

        # Gate
        this-page-is-rated-and-you = This page is rated {{gateLevel}}, and you chose not to see that.
        it-is-for-adults-if-you = It is for adults. If you are one, say so in your settings, and choose the level there.
        you-can-choose-the-level-in = You can choose the level in your settings at any time.
        your-settings = Your settings

        # Generate
        draw-a-picture = Draw a picture
        your-pictures = Your pictures
        nothing-can-be-drawn-here-yet = Nothing can be drawn here yet.
        remix-of-this-picture = Remix of <a href="{{sourceHref}}">this picture</a>
        not-on-this-node = Not on this node
        the-operator-fetches-it = The operator fetches it:
        model = Model
        what-to-draw = What to draw
        what-not-to-draw = What not to draw
        draw = Draw
        show-the-price = Show the price
        everything-else = Everything else
        what-is-empty-is-what-the = What is empty is what the model's author recommends.
        width-pixels = Width, pixels
        height-pixels = Height, pixels
        steps = Steps
        cfg-scale = CFG scale
        seed = Seed
        a-new-one = a new one
        pictures-each-with-the-next-seed = Pictures, each with the next seed
        sampler = Sampler
        schedule = Schedule
        clip-skip = Clip skip
        file-format = Format of the file
        lora = LoRA
        strength = Strength
        start-from-the-picture-above = Start from the picture above
        how-much-of-it-is-drawn = How much of it is drawn anew, 0 to 1
        this-page-looks-again-every-two = This page looks again every two seconds.
        the-picture-as-far-as-it = The picture as far as it is
        seed-download-with-its-recipe = Seed {{seed}} · <a href="{{pictureHref}}" download>Download, with its recipe</a>
        prompt = Prompt
        negative-prompt = Negative prompt
        recipe = Recipe
        cancel = Cancel
        level = Level
        draw-another = Draw another
        fetch-it = Fetch it
        install-the-engine = Install the engine
        stable-diffusion-cpp-from-the-python = stable-diffusion.cpp, from the Python package index, into this node's home; a minute.
        publish-the-demo-model = Publish the demo model
        a-very-small-model-that-draws = A very small model that draws cartoons at once, and two LoRAs, as your releases.
        it-is-good = It is good
        it-is-not = It is not
        what-you-say-names-the-models = What you say is public and names the models, not the prompt.
        nothing-was-drawn-yet = Nothing was drawn yet.

        # Head
        skip-to-content = Skip to content
        main = Main
        search-models-and-creators = Search models and creators
        search = Search
        account = Account
        publish = Publish
        sign-in = Sign in

        # Home
        nothing-here-yet = Nothing here yet
        this-node-is-up-and-holds = This node is up and holds no models that visitors may see. Share one, or follow somebody who does:
        nothing-of-this-nodes-own-people = Nothing of this node's own people is here yet.
        show-the-whole-network = Show the whole network

        # Image
        show-the-picture = Show the picture
        by-2 = by
        of = of
        signed-with-key = signed with key
        remix = Remix
        download = Download
        without-metadata = Without metadata
        settings = Settings
        resources = Resources
        every-resource-is-verified = Every resource is verified.
        kind = Kind
        here = Here
        lineage = Lineage
        from-the-same-post = From the same post
        comments = Comments
        signed-post = Signed post
        blurred-2 = , blurred
        made-from = Made from
        further-back = further back
        used-in = Used in
        further-on = further on
        and-more = and {{.}} more
        remixes = Remixes

        # List
        filters-in-force = Filters in force
        remove-the-filter = Remove the filter {{activeLabel}}
        filter-and-sort = Filter and sort
        filters = Filters
        words = Words
        order = Order
        published = Published
        other-tags-with-commas = Other tags, with commas
        without-the-tags = Without the tags
        by-the-creator = By the creator
        show-models = Show models
        no-models-are-here-yet-share = No models are here yet. Share one, or follow somebody who does:
        no-model-here-fits-all-of = No model here fits all of these filters. Take one away above, or start again.
        show-all-models = Show all models
        nothing-fits-exactly-showing-results-for = Nothing fits exactly. Showing results for
        this-looks-like-a-hash-look = This looks like a hash: <a href="{{.}}">look it up</a>.
        all-filters = All filters
        creators = Creators
        models = Models
        collections = Collections
        articles-and-workflows = Articles and workflows
        nothing-here-fits-try-fewer-or = Nothing here fits. Try fewer or other words, the name of a creator, or any hash of a file.
        look-at-all-models = Look at all models
        type-words-of-a-name-or = Type words of a name or a tag, the name of a creator, or any hash of a file into the field above.
        no-model-that-you-may-see = No model that you may see has one yet.
        signed = signed
        with-key = with key
        what-this-hash-names = What this hash names

        # Model
        versions = Versions
        samples = Samples
        show-the-blurred-pictures = Show the blurred pictures
        there-is-no-version-to-download = There is no version to download yet.
        not-on-this-node-yet-fetch = Not on this node yet ({{fileSize}}). Fetch it from the nodes that have it:
        signed-2 = Signed
        in-use-since = , in use since
        published-2 = , published
        use = Use
        trigger-words = Trigger words
        permissions = Permissions
        not-allowed = Not allowed:
        licence = Licence:
        new-in = New in
        numbers = Numbers
        how-this-is-counted = How this is counted
        downloads-are-requests-for-a-file = Downloads are requests for a file of this model at this node alone. Everything else counts signed posts that this node knows, one for each person, so anybody can count again.
        files-and-hashes = Files and hashes
        from-many-places = From many places
        torrent = Torrent
        metalink = Metalink
        training = Training
        signed-posts = Signed posts
        everything-signed-about-this-model = Everything signed about this model
        in-collections = In collections
        made-with-this-model = Made with this model
        whole-gallery = Whole gallery
        reviews = Reviews
        all-reviews = All reviews
        discussion = Discussion
        whole-discussion = Whole discussion

        # People
        no-creator-of-a-model-that = No creator of a model that you may see is known here yet.
        avatar-of = Avatar of {{heading}}
        at-home-on = at home on
        signs-with = Signs with
        key = key
        disputed-keys-two-successors-of-this = <strong>Disputed keys.</strong> Two successors of this person's root keys exist, so somebody else may know them. This node goes by the one that it saw first. Ask the person, by another way, which is real.
        change-your-profile = Change your profile
        links = Links
        all-models = All models
        images = Images
        all-images = All images
        all-collections = All collections
        nothing-of-theirs-that-you-may = Nothing of theirs that you may see is on this node.
        author-id = Author id
        look-at-models = Look at models
        cover-of = Cover of {{heading}}
        download-the-graph-drop-it-on = <a class="button" href="{{.}}" download>Download the graph</a> <span class="by"><bdi>{{graphName}}</bdi>, {{graphSize}}; drop it on ComfyUI's window to load it.</span>

        # Setup
        set-up-this-node = Set up this node
        done-you-are-signed-in-as = <b>Done.</b> You are signed in as @me.
        set-up-token = Set-up token
        passphrase = Passphrase
        at-least-10-characters = At least 10 characters.
        choose-it = Choose it

        # Site
        this-is-a-node-of-a = This is a node of a network for AI-art models. It shows models and images that people published here or on nodes that it follows, checks every signature, and serves the files that it keeps.
        federation-nodes-exchange-signed-posts-and = Federation: nodes exchange signed posts and files with each other. Nobody owns the network, and a model stays available as long as any node keeps it.
        in-numbers = In numbers
        rules-of = Rules of
        the-operator-of-this-node-has = The operator of this node has not written rules of their own. What holds on every node is below.
        on-every-node = On every node
        everything-that-is-published-is-signed = Everything that is published is signed by a person, who stands by it.
        who-shows-somebody-needs-their-consent = Who shows somebody needs their consent: models say whether they depict a real person.
        sexual-images-of-minors-are-removed = Sexual images of minors are removed, everywhere, at once.
        what-is-taken-down-here-stays = What is taken down here stays down here, under whatever name it comes again; other nodes decide for themselves.
        levels = Levels
        all-is-well = All is well
        something-needs-a-look = Something needs a look
        how-is-doing-right-now = How {{nodeName}} is doing right now.
        needs-a-look = needs a look
        programs-ask-healthz-and-readyz = Programs ask <a href="/healthz">/healthz</a> and <a href="/readyz">/readyz</a>.
        find-a-model = Find a model
        search-words-of-a-name-a = Search words of a name, a tag, a creator, or any hash of a file. <a href="/models">Models</a> can be filtered by base model, type, licence and tags; the address of a filtered list can be shared.
        download-it = Download it
        press-download-on-a-models-page = Press Download on a model's page, or use the command below it: <code>waggle get</code> fetches from every node that has the file, checks it while it comes, and puts it into the right folder of ComfyUI, Automatic1111 or Forge.
        know-that-it-is-the-right = Know that it is the right file
        every-release-is-signed-by-its = Every release is signed by its maker and names its files by SHA-256. <a href="/verify">Check a file</a> tells who signed one that you have, without sending it anywhere when scripts are on.
        use-other-programs = Use other programs
        programs-that-know-civitai-or-the = Programs that know Civitai or the Hugging Face Hub work with this node's address instead:
        the-nodes-own-api-is-described = The node's own API is described in <a href="/openapi.json">openapi.json</a>.
        share-a-model-of-your-own = Share a model of your own
        publish-brings-a-file-from-the = <a href="/publish">Publish</a> brings a file from the browser, fills in what its header tells, and signs. So does the command line:
        release = Release
        one-version-of-a-model-with = one version of a model, with its files, signed
        node-2 = Node
        a-site-like-this-one-nodes = a site like this one; nodes exchange what people sign
        verified = Verified
        the-signed-recipe-of-a-picture = the signed recipe of a picture names exactly this file
        matched = Matched
        a-short-hash-in-the-recipe = a short hash in the recipe fits one file here

        # Talk
        reactions = Reactions
        answers = answers
        recommended = Recommended
        not-recommended = Not recommended
        take-back = Take back
        answer = Answer
        take-part = Take part
        react = React
        sign-in-to-react-comment-or = <a href="{{.}}">Sign in</a> to react, comment or collect.
        nobody-has-reviewed-this-model-yet = Nobody has reviewed this model yet.
        nobody-has-said-anything-yet = Nobody has said anything yet.
        everything-that-the-author-signed-about = Everything that the author signed about this model and that this node knows, newest first.
        post = post
        result-nothing-else-counts-and-nobody = Result: <strong>{{score}}</strong>. Nothing else counts, and nobody can buy a place.
        to-the-list = To the list

        # Verify
        who-signed-it-and-is-it = Who signed it, and is it whole? The file is read on your own machine and only its hash is sent. Without scripts it is sent here, hashed on the way, and not kept.
        this-is-exactly-what-was-signed = This is exactly what was signed
        the-weights-are-those-that-were = The weights are those that were signed; the header is another
        some-program-wrote-its-own-notes = Some program wrote its own notes into the file. What the model does is the same.
        unknown-here = Unknown here
        nobody-signed-this-file-as-far = Nobody signed this file, as far as this node may tell you. It may be damaged, changed, of a level that visitors do not see, or known to another node.
        file = File
        choose-one-or-drop-it-here = Choose one, or drop it here. A large file takes a while.
        check-it = Check it
        or-its-sha-256 = Or its SHA-256
        look-it-up = Look it up

        # Form
        what-you-typed = What you typed
        what-you-typed-is-kept-you = What you typed is kept: you see it again when you are signed in.
        open-an-account = Open an account
        your-keys-are-with-you-programs = Your keys are with you? Programs sign in with them: see <a href="/help">the help</a>.
        write-these-24-words-down = Write these 24 words down
        they-are-shown-this-once-with = <strong>They are shown this once.</strong> With them you get your account back when you forget your passphrase or this node is gone, and take it to another node. Whoever has them is you. On paper they are safest.

        # Me
        run-this-node = Run this node
        your-profile-as-others-see-it = Your profile, as others see it
        sign-out = Sign out
        saved = Saved.
        change-the-passphrase = Change the passphrase
        light-or-dark-is-chosen-at = Light or dark is chosen at the foot of every page.
        disputed-keys-two-successors-of-your = <strong>Disputed keys.</strong> Two successors of your root keys exist: somebody else may know them.
        your-author-id-which-is-you = Your author id, which is you everywhere:
        see-your-recovery-words-again = See your recovery words again
        a-token-lets-a-program-act = A token lets a program act in your name, as far as you say. Nothing that a token does makes it stronger.
        revoke = Revoke {{tokenLabel}}
        revoke-2 = Revoke
        a-new-one-2 = A new one
        here-it-is-it-is-shown = Here it is. It is shown this once.
        i-have-it = I have it
        one-archive-with-everything-that-you = One archive with everything: what you signed, which any node can take in; your recovery secret, sealed; your settings, drafts and news; and the hashes of the files that your posts name.
        mark-all-as-seen = Mark all as seen
        new = new
        nothing-yet-publish-something-or-follow = Nothing yet. Publish something, or follow somebody: what comes of it is told here.
        look-at-creators = Look at creators
        newer-versions = Newer versions
        what-you-publish-and-what-you = What you publish and what you collect is found here.
        publish-something = Publish something

        # Publish
        you-sign-what-you-publish-with = You sign what you publish with your own key. Nothing is signed before you say so.
        begin = Begin: {{kindTitle}}
        begin-2 = Begin
        without-a-file = Without a file
        write-an-article = Write an article
        begin-a-collection = Begin a collection
        begun = Begun
        throw-away = Throw {{draftTitle}} away
        throw-away-2 = Throw away
        take-away = Take {{fileTitle}} away
        take-away-2 = Take away
        cut-on-their-way = Cut on their way
        drop = Drop {{partTitle}}
        drop-it = Drop it
        how-much-is-sent = How much is sent
        on-to = On to:
        what-was-found = What was found
        what-you-sign = What you sign
        it-cannot-be-signed-like-this = It cannot be signed like this. Go back a step and mend what was found.
        # Desk
        decided-by-change-it-there = Decided by {{.}}; change it there.
        step-of = Step {{number}} of
        your-24-recovery-words-they-are = Your 24 recovery words. They are shown this once: write them down, on paper.
        show-my-recovery-words = Show my recovery words
        skip = Skip
        back = Back
        not-looked-at = not looked at
        finish = Finish
        see-how-the-node-is = See how the node is
        draw-pictures-here = Draw pictures here: the engine and a small model are two buttons away
        share-a-model = Share a model
        a-currency-for-tips-and-bounties = A currency, for tips and bounties
        # Setup
        the-first-start-printed-a-link = The first start printed a link with a set-up token; <code>waggle account setup</code> prints a new one. With it you choose the passphrase of the owner's account, <b>@me</b>.
        six-short-steps-follow-each-can = Six short steps follow. Each can be skipped, and taken up again.
        go-on = Go on
        later-if-you-like-a-currency = Later, if you like: <a href="/setup/currency">a currency</a>, for tips and bounties.
        """ + "\n" + englishOfModeration + "\n" + englishOfDesk + "\n" + englishOfForms + "\n" + englishOfMoving
        + "\n" + englishOfPages + "\n" + englishOfBuzz
}
