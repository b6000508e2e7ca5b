extension PageWords {
    /// What the ways from one node to another say.
    static let englishOfMoving = """
        # Moving
        you-are-your-keys-not-this = You are your keys, not this node: with your 24 recovery words you live elsewhere, and are who you were.
        the-other-node-asks-for-the = The other node asks for the words, lists a key of its own, and withdraws the one that signs here. What you signed stays, whoever follows you follows on, and balances in currencies go along. Your profile then names the new address, and this node signs nothing for you any more.
        finish-your-move-to-this-node = Finish your move to this node
        to-another-node = To another node
        have-your-24-words-at-hand = Have your 24 recovery words at hand.
        say-where-you-go-and-follow = Say where you go, and follow the link that you get.
        type-the-words-there-and-nowhere = Type the words there and nowhere else. That node asks this one for what you signed, and tells it when you have moved.
        to-a-node-of-your-own = To a node of your own
        run-this-there = Run this there. It asks for the words:
        the-words-were-shown-when-you = The words were shown when you opened the account; <a href="/account/keys">see them again</a>.
        take-a-copy-first-export-everything = Take a copy first: <a href="/account/export">export everything</a>.
        address-of-your-new-home = Address of your new home
        address-of-your-old-home = Address of your old home
        as-in-https = As in https://node.example
        choose-them = Choose them
        finish-it = Finish the move
        go-on-at = Go on at {1}
        goes-along = {1} goes along: it is in the hand of your key here now.
        goes-on-signing = {1} ({2}…) goes on signing
        move-here = Move here
        move-to = Move to {1}
        not-yet-with-you = What you have in {1} did not come along yet: {2}.
        only-where-you-changed-your-words = Only where you changed your words once; it stands under Keys at your old home.
        open-a-new-account = You are new everywhere? Open an account
        other-keys-sign-for-you-too = Other keys than this node's sign for you, too. Those of a home that you left should not.
        post-of-yours-came-along = thing that you signed came along.
        posts-of-yours-came-along = things that you signed came along.
        several-other-keys-sign-for-you = Several other keys sign for you. Say which of them go on.
        signs-no-longer = Signs for you no longer: {1}.
        this-is-the-node-that-you = This is the node that you are on
        to-this-node = To this node
        when-it-is-open-sign-in = When it is open, sign in with the passphrase that you just chose and finish the move under You, Move. Until then you live where you lived.
        where-what-you-signed-is-fetched = What you signed is fetched there; may be empty.
        with-spaces-between-them = With spaces between them. They are not shown to anybody, and kept sealed under your passphrase.
        you-are-here-one-thing-is = You are here. One thing is left.
        you-have-one-on-another-node = You have one on another node? Move here
        you-live-here-now = You live here now.
        your-24-recovery-words = Your 24 recovery words
        your-keys-posts-and-followers-come = You are your keys. What you signed comes along, and whoever follows you follows on.
        your-old-home-hears-of-it = Your old home hears of it from other nodes.
        your-old-home-knows-it = Your old home knows it, and signs nothing for you any more.
        your-profile-still-names = Your profile still names {1} as your home.
        """
}
